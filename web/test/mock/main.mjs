// The mock by hand: `npm run mock`, then open the address, or `npm run dev` beside it. Sign in as alice,
// password secret. Bob answers whatever he is told.

import { Mock } from "./server.mjs";

const mock = new Mock();
const address = await mock.listen(Number(process.env.PORT ?? 8780));
console.log(`${address}  (alice, secret)`);

let answered = 0;
setInterval(() => {
  const sent = mock.asked.filter((a) => a.op === "chat.send" && a.to === "bob@example.test");
  if (sent.length <= answered) return;
  answered = sent.length;
  mock.typing("bob");
  setTimeout(() => mock.say("bob", `You said: ${sent[answered - 1].text}`), 1500);
}, 500);
