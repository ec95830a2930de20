"""Photos of users."""
import os
import struct
import zlib


def chunk(kind, data):
    body = kind + data
    return struct.pack("!I", len(data)) + body + struct.pack("!I", zlib.crc32(body))


def png(side=96, grey=100, extra=0):
    """A picture of one colour; extra: bytes behind its end."""
    head = struct.pack("!IIBBBBB", side, side, 8, 0, 0, 0, 0)
    rows = (b"\0" + bytes([grey]) * side) * side
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) +
            chunk(b"IEND", b"") + bytes(extra))


def give(case, user, content):
    """As an administrator does."""
    path = os.path.join(case.dir, f"{user.name}.png")
    with open(path, "wb") as f:
        f.write(content)
    return case.site.server.tool("user", "photo", user.name, path)
