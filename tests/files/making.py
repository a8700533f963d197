"""Photos and other files made for tests: small, honest ones, and the ones that attack."""

from __future__ import annotations

import base64
import io
import struct
import zipfile
import zlib
from typing import Any

from PIL import Image

RED, BLUE = (200, 30, 30), (30, 30, 200)
SCRIPT = b"<script>alert(1)</script>"


def photo(kind: str = "JPEG", size: tuple[int, int] = (64, 48), mode: str = "RGB", **options: Any) -> bytes:
    """A photo whose upper half is red and whose lower half is blue."""
    image = Image.new("RGB", size, RED)
    image.paste(BLUE, (0, size[1] // 2, *size))
    out = io.BytesIO()
    image.convert(mode).save(out, kind, **options)
    return out.getvalue()


def with_gps(orientation: int = 1) -> bytes:
    """A photo that says where and with what it was taken, has a comment, and lies on its side."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010F], exif[0x0110] = orientation, "HUAWEI", "P40 Pro"
    exif.get_ifd(0x8825).update({1: "N", 2: (37.0, 26.0, 1.5), 3: "E", 4: (116.0, 18.0, 2.5)})
    return photo(exif=exif, comment=b"made by Zhang San")


def bomb(width: int = 50_000, height: int = 50_000) -> bytes:
    """A PNG of some bytes that says it is 50,000 pixels square."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    rows = chunk(b"IDAT", zlib.compress(b"\x00" * 100_000, 9))
    return b"\x89PNG\r\n\x1a\n" + header + rows + chunk(b"IEND", b"")


def jpeg_bomb() -> bytes:
    """A JPEG whose header says 50,000 × 50,000."""
    content = bytearray(photo())
    at = content.index(b"\xff\xc0") + 5
    content[at : at + 4] = struct.pack(">HH", 50_000, 50_000)
    return bytes(content)


def archive(**parts: bytes) -> bytes:
    """A zip with these parts; "/" in a name is written as two underlines, "." as one."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for name, content in parts.items():
            packed.writestr(name.replace("__", "/").replace("_", "."), content)
    return out.getvalue()


HEIC = base64.b64decode(
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAbxtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAA"
    "AAAAAAAAADRpbG9jAAAAAERAAAIAAQAAAAAB4AABAAAAAAAAAC0AAgAAAAACDQABAAAAAAAAACwAAAA4aWluZgAAAAAA"
    "AgAAABVpbmZlAgAAAAABAABodmMxAAAAABVpbmZlAgAAAQACAABFeGlmAAAAAA5waXRtAAAAAAABAAAA+2lwcnAAAADb"
    "aXBjbwAAAHZodmNDAQNwAAAAAAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQAq"
    "QgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbq5Ka5uAhoMCAAAAMDIAAAAwAhYgABAAZEAcFzwIkAAAATY29scm5jbHgAAQAN"
    "AAaAAAAAFGlzcGUAAAAAAAAAQAAAAEAAAAAoY2xhcAAAAEAAAAABAAAAMAAAAAEAAAAAAAAAAv////AAAAACAAAADnBp"
    "eGkAAAAAAQgAAAAYaXBtYQAAAAAAAAABAAEFgQIDBYQAAAAaaXJlZgAAAAAAAAAOY2RzYwACAAEAAQAAAGFtZGF0AAAA"
    "KSgBrwngITip//M8b/78nZe0xyeVp79Y//y3r7y4H/36G3R+knbDPi6zAAAABkV4aWYAAE1NACoAAAAIAAEBDwACAAAA"
    "BwAAABoAAAAASFVBV0VJAAA="
)
"""The same photo as a telephone keeps it, with the name of its maker: what decodes here makes none."""

SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg">' + SCRIPT + b"</svg>"
PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"

ATTACKS = {
    "空.jpg": (b"", "是空的"),
    "文字.jpg": ("今天巡逻".encode(), "不是照片"),
    "网页.png": (b"<html><body>" + SCRIPT, "不是照片"),
    "图.svg": (SVG, "不是照片"),
    "图.jpg": (SVG, "不是照片"),
    "动图.gif": (b"GIF89a" + b"\x00" * 40, "不是照片"),
    "截断.jpg": (photo(size=(640, 480))[:-400], "已损坏或不完整"),
    "截断.png": (photo("PNG", (640, 480))[:-40], "已损坏或不完整"),
    "只有头.jpg": (b"\xff\xd8\xff\xe0" + b"\x00" * 20, "已损坏或不完整"),
    "炸弹.png": (bomb(), "像素太多,超过上限"),
    "炸弹.jpg": (jpeg_bomb(), "像素太多,超过上限"),
    "大炸弹.png": (bomb(2**31 - 1, 2**31 - 1), "像素"),
    "夹带网页.jpg": (photo() + b"<html>" + SCRIPT, "夹带了网页或压缩包"),
    "夹带压缩包.jpg": (photo() + archive(run_exe=b"MZ"), "夹带了网页或压缩包"),
    "注释.jpg": (photo(comment=SCRIPT), "夹带了网页或压缩包"),
}
"""Name -> content, and what is said of it."""
