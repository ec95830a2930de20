// A message's text as DOM nodes. There is no HTML in it at any point: text is text.

import { createContext } from "preact";
import { useContext, useMemo } from "preact/hooks";

import { t } from "../../i18n";
import { mentionsIn } from "../../text/mentions";
import { parse, type Block, type Inline } from "../../text/markdown";
import { useSession } from "../context";
import { Icon } from "../parts/Icon";
import { announce } from "../parts/live";

/** The names that a mention can mean. */
const Names = createContext<readonly string[]>([]);

function Text({ text }: { text: string }) {
  const names = useContext(Names);
  const me = useSession().user.value.name;
  if (!names.length || !text.includes("@")) return <>{text}</>;
  return <>{mentionsIn(text, names).map((p, i) => (p.name ? <span key={i} class={p.name === me ? "mention me" : "mention"}>{p.text}</span> : p.text))}</>;
}

function Node({ node }: { node: Inline }) {
  switch (node.kind) {
    case "text":
      return <Text text={node.text} />;
    case "code":
      return <code>{node.text}</code>;
    case "link":
      return <a href={node.href} target="_blank" rel="noopener noreferrer nofollow"><bdi>{node.text}</bdi></a>;
    case "strong":
      return <strong><Line nodes={node.children} /></strong>;
    case "em":
      return <em><Line nodes={node.children} /></em>;
    case "del":
      return <del><Line nodes={node.children} /></del>;
  }
}

function Line({ nodes }: { nodes: Inline[] }) {
  return <>{nodes.map((n, i) => <Node key={i} node={n} />)}</>;
}

function Code({ text, language }: { text: string; language: string }) {
  const copy = () => void navigator.clipboard.writeText(text).then(() => announce(t("chat_copied")), () => undefined);
  return (
    <div class="code" dir="ltr">
      <div class="code-head">
        <span>{language}</span>
        <button type="button" class="icon-button" aria-label={t("chat_code_copy")} title={t("chat_code_copy")} onClick={copy}>
          <Icon name="copy" size={15} />
        </button>
      </div>
      <pre tabIndex={0}><code>{text}</code></pre>
    </div>
  );
}

function OneBlock({ block }: { block: Block }) {
  switch (block.kind) {
    case "code":
      return <Code text={block.text} language={block.language} />;
    case "quote":
      return <blockquote dir="auto">{block.lines.map((l, i) => <p key={i}><Line nodes={l} /></p>)}</blockquote>;
    case "list": {
      const items = block.items.map((l, i) => <li key={i}><Line nodes={l} /></li>);
      return block.ordered ? <ol start={block.start} dir="auto">{items}</ol> : <ul dir="auto">{items}</ul>;
    }
    case "text":
      return <>{block.lines.map((l, i) => <p key={i} dir="auto">{l.length ? <Line nodes={l} /> : <br />}</p>)}</>;
  }
}

const ONLY_EMOJI = /^(?:\p{Extended_Pictographic}(?:\p{Emoji_Modifier}|\ufe0f|\u200d\p{Extended_Pictographic})*\s?){1,3}$/u;

export function RichText({ text, names }: { text: string; names: readonly string[] }) {
  const blocks = useMemo(() => parse(text), [text]);
  return (
    <div class={ONLY_EMOJI.test(text) ? "rich big" : "rich"}>
      <Names.Provider value={names}>{blocks.map((b, i) => <OneBlock key={i} block={b} />)}</Names.Provider>
    </div>
  );
}
