// The switchboard: the calls that wait, and everybody to whom they can be sent on. Loaded when it is opened.

import "../../style/attendant.css";

import { Board } from "./Board";
import { Waiting } from "./Waiting";

/** list: the calls in place of the people. */
export function Attendant({ list }: { list?: boolean }) {
  return list ? <Waiting /> : <Board />;
}
