"""Tones to play, and whether a recording holds them (Goertzel's filter; RIFF, 16 bit, mono)."""
import array
import math
import struct
import wave

RATE = 8000
WINDOW_S = 0.1
# A window holds a tone when this part of its energy lies at the tone's frequency.
SHARE = 0.6
LOUD = 300  # root mean square of 16 bit samples; below it is silence


def write_tones(path, tones, seconds, rate=RATE, level=0.4):
    """Writes `seconds` of sound: the tones (Hz; 0 = silence) one after the other, equal parts."""
    samples = array.array("h")
    total = int(seconds * rate)
    for i in range(total):
        hz = tones[i * len(tones) // total]
        samples.append(int(32767 * level * math.sin(2 * math.pi * hz * i / rate)))
    with wave.open(path, "wb") as w:
        w.setnchannels(1)
        w.setsampwidth(2)
        w.setframerate(rate)
        w.writeframes(samples.tobytes())
    return path


def read(path):
    """(rate, samples) of a recording, also of one whose header was not finished yet."""
    with open(path, "rb") as f:
        raw = f.read()
    if len(raw) < 44 or raw[:4] != b"RIFF" or raw[8:12] != b"WAVE":
        return RATE, array.array("h")
    pos, rate, channels, data = 12, RATE, 1, b""
    while pos + 8 <= len(raw):
        name, size = raw[pos:pos + 4], struct.unpack_from("<I", raw, pos + 4)[0]
        if name == b"fmt ":
            channels, rate = struct.unpack_from("<HI", raw, pos + 10)
        if name == b"data":
            data = raw[pos + 8:pos + 8 + size] if size else raw[pos + 8:]
            break
        pos += 8 + size + (size & 1)
    samples = array.array("h")
    samples.frombytes(data[:len(data) // (2 * channels) * 2 * channels])
    return rate, samples[::channels]


def _power(samples, hz, rate):
    """Energy at hz, on the scale of sum(x^2)."""
    k = 2 * math.cos(2 * math.pi * hz / rate)
    s1 = s2 = 0.0
    for x in samples:
        s1, s2 = x + k * s1 - s2, s1
    return (s1 * s1 + s2 * s2 - k * s1 * s2) * 2 / len(samples)


def frequency(samples, rate):
    """Of a tone without much else, in Hz: by where it rises above 0.  0.0: nothing does."""
    rises = [i - b / (b - a) for i, (a, b) in enumerate(zip(samples, samples[1:]), 1) if a < 0 <= b]
    return (len(rises) - 1) * rate / (rises[-1] - rises[0]) if len(rises) > 1 else 0.0


def level(samples):
    """The root mean square; 1 is full scale."""
    return math.sqrt(sum(x * x for x in samples) / len(samples)) / 32768


def seconds_of(path, hz):
    """How many seconds of the recording hold the tone."""
    rate, samples = read(path)
    n = int(rate * WINDOW_S)
    found = 0
    for start in range(0, len(samples) - n + 1, n):
        window = samples[start:start + n]
        energy = sum(x * x for x in window)
        if energy > n * LOUD * LOUD and _power(window, hz, rate) > SHARE * energy:
            found += 1
    return found * WINDOW_S


def length(path):
    """Seconds of recording."""
    rate, samples = read(path)
    return len(samples) / rate
