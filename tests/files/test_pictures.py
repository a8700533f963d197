"""Photos are drawn anew: nothing but pixels survives; what attacks is refused in words."""

from __future__ import annotations

import io

import pytest
from PIL import Image, ImageCms

from registry.files import pictures
from registry.files.models import FileKind
from registry.files.pictures import BadFile
from registry.files.receiving import MOST_BYTES, clean_name, taken
from tests.files.making import ATTACKS, BLUE, HEIC, PDF, RED, SCRIPT, SVG, archive, photo, with_gps


def drawn(content: bytes, size: str = "full") -> Image.Image:
    return Image.open(io.BytesIO(pictures.draw(content).parts[size]))


def near(found: object, wanted: tuple[int, ...]) -> bool:
    assert isinstance(found, tuple)
    return all(abs(one - other) < 12 for one, other in zip(found, wanted, strict=True))


@pytest.mark.parametrize(
    "content",
    [
        photo(),
        photo("PNG"),
        photo("WEBP", quality=95),
        photo(mode="L"),
        photo(mode="CMYK"),
        photo("PNG", mode="P"),
        HEIC,
    ],
    ids=["jpeg", "png", "webp", "grey", "cmyk", "palette", "heic"],
)
def test_each_format_becomes_a_jpeg_of_the_same_picture(content: bytes) -> None:
    found = drawn(content)
    assert (found.format, found.mode, found.size) == ("JPEG", "RGB", (64, 48))
    red, blue = (found.getpixel((32, y)) for y in (6, 42))
    assert isinstance(red, tuple)
    assert isinstance(blue, tuple)
    assert content == photo(mode="L") or (red[0] > blue[0] and blue[2] > red[2])


def test_nothing_but_pixels_survives() -> None:
    """Place, telephone, comment and profile are in what was sent, and in none of the sizes kept."""
    sent = with_gps()
    assert Image.open(io.BytesIO(sent)).getexif().get_ifd(0x8825)
    assert all(mark in sent for mark in (b"HUAWEI", b"Zhang San", b"Exif"))
    for content in pictures.draw(sent).parts.values():
        found = Image.open(io.BytesIO(content))
        assert dict(found.getexif()) == {}
        assert set(found.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
        assert not any(
            mark in content for mark in (b"HUAWEI", b"Zhang San", b"Exif", b"ICC_PROFILE", b"http")
        )


@pytest.mark.parametrize(
    ("orientation", "size", "top"),
    [(1, (64, 48), RED), (3, (64, 48), BLUE), (6, (48, 64), None), (8, (48, 64), None)],
)
def test_the_photo_stands_upright(
    orientation: int, size: tuple[int, int], top: tuple[int, ...] | None
) -> None:
    found = drawn(with_gps(orientation))
    assert found.size == size
    if top:
        assert near(found.getpixel((32, 6)), top)
    else:  # what was on top is on the right (6) or on the left (8)
        right, left = found.getpixel((42, 32)), found.getpixel((6, 32))
        assert near(right if orientation == 6 else left, RED)
        assert near(left if orientation == 6 else right, BLUE)


def test_what_is_transparent_becomes_white() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (20, 20), (0, 0, 0, 0)).save(out, "PNG")
    assert near(drawn(out.getvalue()).getpixel((10, 10)), (255, 255, 255))


def test_colours_of_another_profile_are_those_of_the_screen() -> None:
    """In a profile without a curve a middle grey is brighter on the screen; a broken profile is left out."""
    grey = Image.new("RGB", (20, 20), (120, 120, 120))

    def sent(profile: bytes) -> bytes:
        out = io.BytesIO()
        grey.save(out, "PNG", icc_profile=profile)
        return out.getvalue()

    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert near(drawn(sent(srgb)).getpixel((10, 10)), (120, 120, 120))
    assert near(drawn(sent(b"no profile")).getpixel((10, 10)), (120, 120, 120))


def test_three_sizes_and_never_larger_than_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    made = pictures.draw(photo(size=(1600, 400)))
    sizes = {size: Image.open(io.BytesIO(content)).size for size, content in made.parts.items()}
    assert sizes == {"full": (1600, 400), "middle": (1280, 320), "thumb": (240, 60)}
    assert (made.width, made.height) == (1600, 400)
    monkeypatch.setitem(pictures.EDGES, "full", 800)
    assert drawn(photo(size=(1600, 400))).size == (800, 200)


def test_the_same_photo_gives_the_same_file() -> None:
    assert pictures.draw(photo()).sha256 == pictures.draw(photo()).sha256


@pytest.mark.parametrize("name", ATTACKS)
def test_what_attacks_is_refused_and_it_is_said_why(name: str) -> None:
    content, said = ATTACKS[name]
    with pytest.raises(BadFile, match=said):
        taken(name, content, FileKind.PHOTO)


def test_a_bomb_is_refused_before_a_pixel_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def decode(*_: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(Image.Image, "load", decode)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", decode)
    for name in ("炸弹.png", "炸弹.jpg"):
        with pytest.raises(BadFile, match="没有打开"):
            pictures.draw(ATTACKS[name][0])


def test_a_file_of_more_than_20_mb_is_refused() -> None:
    with pytest.raises(BadFile, match="超过 20 MB"):
        taken("大.jpg", photo() + b"\x00" * MOST_BYTES, FileKind.PHOTO)


# --- Files that are no photos ---------------------------------------------------------------------

DOCX = archive(word__document_xml=b"<w/>")


@pytest.mark.parametrize(
    ("name", "content", "content_type"),
    [
        ("通知.pdf", PDF, "application/pdf"),
        ("方案.docx", DOCX, "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("版式.ofd", archive(OFD_xml=b"<o/>"), "application/ofd"),
        ("说明.txt", "今天巡逻".encode("gb18030"), "text/plain"),
        ("名单.CSV", "姓名,警号\n".encode(), "text/csv"),
    ],
)
def test_a_file_of_a_known_type_is_kept_as_it_is(name: str, content: bytes, content_type: str) -> None:
    found = taken(name, content, FileKind.FILE)
    assert (found.content_type, found.whole) == (content_type, content)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("空.pdf", b"", "是空的"),
        ("木马.exe", b"MZ", "不是可以上传的类型"),
        ("网页.html", b"<html>", "不是可以上传的类型"),
        ("图.svg", SVG, "不是可以上传的类型"),
        ("没有扩展名", b"x", "不是可以上传的类型"),
        ("假.pdf", b"<html>%PDF-" + SCRIPT, "与扩展名 PDF 不符"),
        ("假.docx", PDF, "与扩展名 DOCX 不符"),
        ("照片.docx", photo() + DOCX, "与扩展名 DOCX 不符"),
        ("压缩包.docx", archive(a_exe=b"MZ"), "与扩展名 DOCX 不符"),
        ("断.docx", DOCX[:-10], "与扩展名 DOCX 不符"),
        ("宏.docx", archive(word__document_xml=b"<w/>", word__vbaProject_bin=b"x"), "带有宏"),
        ("旧.doc", b"\xd0\xcf\x11\xe0", "请另存为 DOCX"),
        ("网页.txt", b"\n <!DOCTYPE html>" + SCRIPT, "与扩展名 TXT 不符"),
        ("程序.txt", b"MZ\x00\x01", "与扩展名 TXT 不符"),
        ("乱码.csv", b"\xff\xff\xff", "与扩展名 CSV 不符"),
    ],
)
def test_any_other_file_is_refused_and_it_is_said_why(name: str, content: bytes, said: str) -> None:
    with pytest.raises(BadFile, match=said):
        taken(name, content, FileKind.FILE)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("IMG_1.jpg", "IMG_1.jpg"),
        ("C:\\Users\\张三\\照片 1.jpg", "照片 1.jpg"),
        ("../../etc/passwd", "passwd"),
        ("名\u202egpj.exe", "名gpj.exe"),
        ('a"b\r\nc.pdf', "a_b c.pdf"),
        ("...", "未命名"),
        ("长" * 300 + ".pdf", "长" * 116 + ".pdf"),
    ],
)
def test_the_name_of_a_file_is_only_a_name(name: str, kept: str) -> None:
    assert clean_name(name) == kept
