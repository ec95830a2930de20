// One end of a call, as the test tells it: a tone, a picture of two colours and a data channel, to a
// peer that is reached by a relay alone.  The test carries the descriptions between two of them.
"use strict";

const RATE = 48000, VOLUME = 0.125; // 48,000 Hz is what Opus has
const WIDTH = 320, HEIGHT = 180, FRAMES_PER_SECOND = 10;
const FRESH_FRAMES = 3;
const ECHO = "echo ";

let pc, channel, answered;
const remote = {}, candidates = [], errors = [];

function tone(hz) {
	const context = new AudioContext({ sampleRate: RATE });
	const source = new OscillatorNode(context, { frequency: hz });
	const volume = new GainNode(context, { gain: VOLUME });
	const out = new MediaStreamAudioDestinationNode(context, { channelCount: 1 });
	source.connect(volume).connect(out);
	source.start();
	return out.stream;
}

function picture(left, right) {
	const canvas = document.createElement("canvas");
	canvas.width = WIDTH;
	canvas.height = HEIGHT;
	const paint = canvas.getContext("2d");
	setInterval(() => {
		paint.fillStyle = left;
		paint.fillRect(0, 0, WIDTH / 2, HEIGHT);
		paint.fillStyle = right;
		paint.fillRect(WIDTH / 2, 0, WIDTH / 2, HEIGHT);
	}, 1000 / FRAMES_PER_SECOND);
	return canvas.captureStream(FRAMES_PER_SECOND);
}

// What comes in must be played by somebody, or Chromium does not decode it.
function play(track) {
	const element = document.createElement(track.kind);
	element.muted = true;
	element.srcObject = new MediaStream([track]);
	element.play();
	remote[track.kind] = track;
}

function heardOnChannel(event) {
	const text = event.data;
	if (text.startsWith(ECHO))
		answered(text.slice(ECHO.length));
	else
		channel.send(ECHO + text);
}

// What the peer answers to a text.
function echoed(text) {
	return new Promise((done) => {
		answered = done;
		if (channel.readyState === "open")
			channel.send(text);
		else
			channel.onopen = () => channel.send(text);
	});
}

// servers: of RTCConfiguration; look: {hz, left, right}.
function prepare(servers, look) {
	// Candidates are of the one transport that will be used.
	pc = new RTCPeerConnection({ iceServers: servers, iceTransportPolicy: "relay",
		bundlePolicy: "max-bundle" });
	pc.onicecandidate = (event) => event.candidate && candidates.push(event.candidate.toJSON());
	pc.onicecandidateerror = (event) => errors.push([event.errorCode, event.errorText, event.url]);
	pc.ontrack = (event) => play(event.track);
	channel = pc.createDataChannel("echo", { negotiated: true, id: 0 });
	channel.onmessage = heardOnChannel;
	for (const stream of [tone(look.hz), picture(look.left, look.right)])
		pc.addTrack(stream.getTracks()[0], stream);
}

async function offer() {
	await pc.setLocalDescription();
	return pc.localDescription.toJSON();
}

async function answer(description) {
	await pc.setRemoteDescription(description);
	return offer();
}

async function accept(description) {
	await pc.setRemoteDescription(description);
}

// Candidates of the peer.
async function add(found) {
	for (const candidate of found)
		await pc.addIceCandidate(candidate);
}

// There will be no further candidates.
function gathered() {
	return new Promise((done) => {
		const look = () => pc.iceGatheringState === "complete" && done();
		pc.addEventListener("icegatheringstatechange", look);
		look();
	});
}

// {own, peer, by} of the pair of candidates that is used: their types, and our way to the relay.
async function selectedPair() {
	const stats = await pc.getStats();
	for (const transport of stats.values()) {
		const pair = transport.type === "transport" && stats.get(transport.selectedCandidatePairId);
		if (pair) {
			const own = stats.get(pair.localCandidateId);
			return { own: own.candidateType, by: own.relayProtocol,
				peer: stats.get(pair.remoteCandidateId).candidateType };
		}
	}
	return null;
}

// Gives what comes in on a track to take(), piece by piece, until that returns true.
async function follow(kind, take) {
	const track = remote[kind].clone();
	const reader = new MediaStreamTrackProcessor({ track }).readable.getReader();
	for (let enough = false; !enough;) {
		const { value: piece } = await reader.read();
		enough = take(piece);
		piece.close();
	}
	await reader.cancel();
	track.stop();
}

// A second of what is heard from now on, as samples of 16 bits.
async function listen() {
	const heard = [];
	await follow("audio", (data) => {
		const samples = new Float32Array(data.numberOfFrames);
		data.copyTo(samples, { planeIndex: 0, format: "f32-planar" });
		heard.push(...samples.map((x) => Math.round(x * 32767)));
		return heard.length >= RATE;
	});
	return heard;
}

// [left, right]: red, green and blue of a pixel amid each half, in a picture that comes from now on.
async function see() {
	const paint = new OffscreenCanvas(WIDTH, HEIGHT).getContext("2d");
	let left = FRESH_FRAMES;
	await follow("video", (frame) => {
		paint.drawImage(frame, 0, 0, WIDTH, HEIGHT);
		return --left === 0;
	});
	return [1, 3].map((quarter) =>
		[...paint.getImageData(WIDTH * quarter / 4, HEIGHT / 2, 1, 1).data].slice(0, 3));
}
