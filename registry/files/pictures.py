"""Photos: decoded and drawn anew, so that nothing but pixels survives (docs/decisions/0051).

Where it was taken, with which telephone, a comment, a preview of what was cut off, a web page or an archive
behind the picture: none of it is kept. What is no photo, broken or too large is refused before its pixels are
read, by words for who sent it.
"""

from __future__ import annotations

import hashlib
import io
import logging
import re
import threading
import zipfile
from dataclasses import dataclass

import pi_heif
from PIL import Image, ImageCms, ImageOps

from registry.files.disk import FULL, MIDDLE, THUMB

logger = logging.getLogger(__name__)

EDGES = {FULL: 4096, MIDDLE: 1280, THUMB: 240}
"""The longer edge of each size, at most; a smaller photo stays as it is."""
QUALITY = {FULL: 85, MIDDLE: 80, THUMB: 75}
MOST_PIXELS = {"JPEG": 120_000_000}
MOST_PIXELS_ELSE = 50_000_000
"""More is refused by what the header says. A large JPEG is decoded at half its size; the others are not."""
FORMATS = ("JPEG", "PNG", "WEBP", "HEIF")
NO_PHOTO = "不是照片。只收 JPG、PNG、WebP、HEIC 格式的照片,改扩展名不改变内容"
BROKEN = "照片已损坏或不完整,打不开。请重新拍照,或从原处再取一次"
_PAGE = re.compile(rb"<script|<!doctype|</?html>|</svg>|<\?php ", re.IGNORECASE)
"""Long enough not to come up in the pixels of a photo by chance."""
_TURN = threading.Semaphore(1)
"""One photo at a time in each process: a large one takes some hundred megabytes while it is drawn."""
_PATIENCE = 15.0
"""Seconds that a photo waits for its turn, with a thread."""
_SRGB = ImageCms.createProfile("sRGB")

pi_heif.register_heif_opener()
Image.MAX_IMAGE_PIXELS = max(MOST_PIXELS.values())


class BadFile(Exception):
    """A file that is not taken in; ``str`` says why, in Chinese, to stand behind its name."""


class TooBusy(BadFile):
    """It was not had a look at: many photos come in just now."""


@dataclass(frozen=True)
class Taken:
    """A file as it will be kept."""

    content_type: str
    parts: dict[str, bytes]
    """The content by size (``registry.files.disk``)."""
    width: int = 0
    height: int = 0

    @property
    def whole(self) -> bytes:
        """The largest size."""
        return self.parts[FULL]

    @property
    def sha256(self) -> str:
        """The digest of the largest size."""
        return hashlib.sha256(self.whole).hexdigest()


def draw(content: bytes) -> Taken:
    """Return a photo drawn anew in three sizes. Raises ``BadFile``."""
    _need_photo(content)
    if not _TURN.acquire(timeout=_PATIENCE):
        raise TooBusy("没有处理:正在上传照片的人太多,请过一分钟重传")
    try:
        image = _pixels(content)
        width, height = image.size
        parts = {size: _encoded(image, size) for size in (FULL, MIDDLE, THUMB)}
    except BadFile:
        raise
    except Image.DecompressionBombError as error:
        raise BadFile(_too_large()) from error
    except Exception as error:  # a decoder that meets hostile bytes may stumble over anything
        logger.info("a photo could not be read: %r", error)
        raise BadFile(BROKEN) from error
    finally:
        _TURN.release()
    return Taken("image/jpeg", parts, width, height)


def _need_photo(content: bytes) -> None:
    """Refuse by the first bytes what is none of the four, and what hides something beside the picture."""
    is_photo = (
        content.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"))
        or (content[:4] == b"RIFF" and content[8:12] == b"WEBP")
        or (content[4:8] == b"ftyp" and content[8:12] in _HEIC)
    )
    if not is_photo:
        raise BadFile(NO_PHOTO)
    if _PAGE.search(content) or zipfile.is_zipfile(io.BytesIO(content)):
        raise BadFile("照片里夹带了网页或压缩包,不是单纯的照片。请重新拍照,或截图后再传")


_HEIC = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"))
"""The brands of HEIF whose pixels are coded as HEVC."""


def _pixels(content: bytes) -> Image.Image:
    """Return the pixels alone: upright, in sRGB, on white where they were transparent, 4096 at most."""
    with Image.open(io.BytesIO(content), formats=FORMATS) as opened:
        most = MOST_PIXELS.get(opened.format or "", MOST_PIXELS_ELSE)
        if opened.width * opened.height > most:
            raise BadFile(_too_large(opened.size, most))
        profile = opened.info.get("icc_profile")
        opened.draft(None, _ENOUGH)
        opened.load()
        image = opened if opened.mode in ("RGB", "RGBA", "L", "LA", "CMYK") else _plain(opened)
        image.thumbnail((EDGES[FULL], EDGES[FULL]), Image.Resampling.LANCZOS)
    image = _in_srgb(_on_white(ImageOps.exif_transpose(image)), profile)
    bare = Image.new("RGB", image.size)
    bare.paste(image)
    return bare


_ENOUGH = (3000, 3000)
"""A JPEG whose shorter edge is twice that or more is decoded at a half, a quarter or an eighth."""


def _plain(image: Image.Image) -> Image.Image:
    """Return an image with a palette, of one bit or of sixteen in a mode that can be made smaller."""
    if image.mode.startswith("I"):
        return image.convert("L")
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode not in ("RGBA", "LA"):
        return image
    white = Image.new("RGB", image.size, "white")
    white.paste(image.convert("RGB"), mask=image.getchannel("A"))
    return white


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Return the image in sRGB; a profile that cannot be read is left out."""
    if profile and image.mode in ("RGB", "CMYK"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(image, source, _SRGB, outputMode="RGB")
        except (ImageCms.PyCMSError, OSError, ValueError):
            logger.info("a photo came with a profile that cannot be read")
        else:
            if converted is not None:
                return converted
    return image.convert("RGB")


def _encoded(image: Image.Image, size: str) -> bytes:
    """Return a size as JPEG; ``image`` is made smaller on the way, the largest size comes first."""
    image.thumbnail((EDGES[size], EDGES[size]), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=QUALITY[size])
    return out.getvalue()


def _too_large(size: tuple[int, int] | None = None, most: int = MOST_PIXELS["JPEG"]) -> str:
    said = f"照片有 {size[0]:,}×{size[1]:,} 像素" if size else "照片的像素太多"
    return f"{said},超过上限({most // 10_000:,} 万像素),没有打开"
