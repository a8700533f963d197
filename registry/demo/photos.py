"""Pictures for some entries of the demo, drawn here: hills under a sky, and 演示照片 written across them."""

from __future__ import annotations

import io
import random
from collections.abc import Sequence

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image, ImageDraw

from registry.audit import Actor
from registry.files.models import FileKind, StoredFile
from registry.files.operations import caption_file
from registry.files.receiving import receive

SHOWN = (
    "ceremony",
    "oath",
    "flag",
    "mobilization",
    "care_visit",
    "donation",
    "lecture",
    "supervision",
    "area_visit",
    "theme_activity",
)
"""The logbooks of which the first entry has photos."""
EACH = 2
_SIZE, _DOTS, _SCALE = (640, 480), 24, 5
_WORDS = (
    "0000001806001c03000ffffc01fffc01800c01800c007ff0707ff038030018fff800c71800c3"
    "0800c71804fff80cc3080cc3080cfff81810401818e030707831e01c21800c000000",
    "0000000ffff01ffff80000000000000000000000003ffffe7ffffe0018000018000018000618"
    "600e18600c18301c183818181830180c70180c20180c01f80001f000000000000000",
    "1fbffc3fbffc31830c31830c31860c318e0c3fbc783fb020318000319ffc319ffc31980c3198"
    "0c3f980c3f9ffc301ff80000000cc63818c31818c30c30c30c704306200000000000",
    "0004000c06000c06000c06000c06000c06000c06000ffffc0ffffc0c00000c00000c00000c00"
    "000fffc00fffc00c00c00c00c01800c01800c03800c03000c07000c06000c00000c0",
)
"""演, 示, 照, 片 in 24 by 24 dots: no machine needs a font for them."""
_SKIES = ("#8fb8de", "#d9a86c", "#9aa7b4", "#c98f8f", "#8fc1b0")


def draw(seed: str) -> bytes:
    """Return a picture, the same one for the same seed."""
    draws = random.Random(seed)
    width, height = _SIZE
    picture = Image.new("RGB", _SIZE, draws.choice(_SKIES))
    pen = ImageDraw.Draw(picture)
    for shade in (90, 70, 50):
        top = height * (130 - shade) // 130 + draws.randint(-40, 40)
        edge = [(x, top + draws.randint(-30, 30)) for x in range(0, width + 80, 80)]
        pen.polygon([(0, height), *edge, (width, height)], fill=(shade, shade + 40, shade))
    left = (width - len(_WORDS) * _DOTS * _SCALE) // 2
    for place, word in enumerate(_WORDS):
        _write(pen, word, left + place * _DOTS * _SCALE, height // 2 - _DOTS * _SCALE // 2)
    kept = io.BytesIO()
    picture.save(kept, "JPEG")
    return kept.getvalue()


def _write(pen: ImageDraw.ImageDraw, word: str, left: int, top: int) -> None:
    """Write a character, dot by dot."""
    for y in range(_DOTS):
        row = int(word[y * 6 : y * 6 + 6], 16)
        for x in range(_DOTS):
            if row >> (_DOTS - 1 - x) & 1:
                at = left + x * _SCALE, top + y * _SCALE
                pen.rectangle((*at, at[0] + _SCALE - 1, at[1] + _SCALE - 1), fill="white")


def photos_for(actor: Actor, what: str) -> Sequence[StoredFile]:
    """Store photos for an entry of the demo, which then holds them; each says what it would show."""
    uploads = [
        SimpleUploadedFile(f"演示照片{number}.jpg", draw(f"{what}{number}")) for number in range(1, EACH + 1)
    ]
    stored = receive(actor, uploads, FileKind.PHOTO).stored
    return [caption_file(actor=actor, file=file, caption=f"演示照片:{what}") for file in stored]
