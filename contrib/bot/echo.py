#!/usr/bin/python3
"""A bot for Dialtone: tells the time to who writes /time, and repeats whatever else it is told. In a group it
answers who mentions it. Give it the server, and a token that `dialtone token create` made:

    DIALTONE_TOKEN=dtk_... contrib/bot/echo.py wss://sip.example.com:4443 [ca.pem]
"""
import json, os, struct, sys, time  # noqa: E401

import websocket  # Debian: python3-websocket

def run(url, ca, token):
    state = {"session": "", "seq": 0, "pause": 1}  # with the first two it goes on where it was
    while True:
        try:
            talk(websocket.create_connection(
                url + "/api/v1/ws", subprotocols=["dialtone.v1"], suppress_origin=True,
                header=["Authorization: Bearer " + token], sslopt={"ca_certs": ca} if ca else {},
                timeout=75), state)  # the server pings every 30 s: who is silent for so long is gone
        except websocket.WebSocketBadStatusException as e:
            if e.status_code in (401, 403):
                sys.exit("The server does not take the token: it was removed, or its life is over.")
            print("refused:", e.status_code, file=sys.stderr)
        except (OSError, websocket.WebSocketException) as e:
            print("connection lost:", e, file=sys.stderr)
        time.sleep(state["pause"])
        state["pause"] = min(2 * state["pause"], 30)

def talk(ws, state):
    def ask(number, op, **fields):
        ws.send(json.dumps({"id": number, "op": op, **fields}))
    ask(1, "hello", client="echo/1", tab="echo-bot", resume={k: state[k] for k in ("session", "seq")})
    while True:
        kind, data = ws.recv_data()
        if kind == websocket.ABNF.OPCODE_CLOSE:
            return print("closed:", *struct.unpack("!H", data[:2]), data[2:].decode(), file=sys.stderr)
        m = json.loads(data)
        if w := m.get("re") == 1 and m["ok"]:  # welcome; who goes on where she was hears first what she missed
            state.update(session=w["session"], me=w["user"], pause=1, seq=state["seq"] if w["resumed"] else w["seq"])
            print("signed in as", w["user"]["uri"], file=sys.stderr)
        elif "seq" in m:
            state["seq"] = m["seq"]
            ask(2, "seen", seq=m["seq"])
        if m.get("ev") == "message" and m["message"]["from"] != state["me"]["uri"]:
            text, chat, name = m["message"]["text"], m["message"]["chat"], "@" + state["me"]["name"]
            if not chat.startswith("conf-") or name in text:
                text = text.replace(name, "").strip() or "Yes?"
                ask(3, "chat.send", to=chat, text=time.strftime("%H:%M") if text == "/time" else text)

if __name__ == "__main__":
    run(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None, os.environ["DIALTONE_TOKEN"])
