// A phone of JsSIP in a page, as the test drives it; call.js is there, and JsSIP.
"use strict";

let ua, session;
const phone = { registered: false, failed: null, texts: [], state: "idle", why: null };

function takeRemote(kind) {
	return !!remote[kind];
}

function heed(s) {
	session = s;
	s.on("peerconnection", ({ peerconnection }) =>
		peerconnection.addEventListener("track", (event) => play(event.track)));
	s.on("confirmed", () => { phone.state = "up"; });
	s.on("ended", ({ cause }) => { phone.state = "ended"; phone.why = cause; });
	s.on("failed", ({ cause }) => { phone.state = "failed"; phone.why = cause; });
}

function signIn(url, uri, user, password) {
	ua = new JsSIP.UA({ sockets: [new JsSIP.WebSocketInterface(url)], uri, password,
		authorization_user: user });
	ua.on("registered", () => { phone.registered = true; });
	ua.on("unregistered", () => { phone.registered = false; });
	ua.on("registrationFailed", ({ cause }) => { phone.failed = cause; });
	ua.on("newMessage", ({ originator, message, request }) => {
		if (originator === "remote")
			phone.texts.push(request.body);
	});
	ua.on("newRTCSession", ({ originator, session: s }) => {
		if (originator !== "remote")
			return;
		heed(s);
		phone.state = "rings";
	});
	ua.start();
}

// What became of it.
function write(to, text) {
	return new Promise((done) => ua.sendMessage(to, text, { eventHandlers: {
		succeeded: () => done("succeeded"),
		failed: ({ cause }) => done(cause),
	} }));
}

function ring(to, hz) {
	phone.state = "calls";
	const early = ({ peerconnection }) =>
		peerconnection.addEventListener("track", (event) => play(event.track));
	heed(ua.call(to, { mediaStream: tone(hz), eventHandlers: { peerconnection: early } }));
}

function pickUp(hz) {
	session.answer({ mediaStream: tone(hz) });
}

function hangUp() {
	session.terminate();
}
