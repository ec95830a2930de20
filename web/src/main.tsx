import { render } from "preact";

render(<main>Dialtone</main>, document.getElementById("app") as HTMLElement);
