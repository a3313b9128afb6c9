"""The files of people's reports that lie beside the checkout: what reading says of each."""

import time

import pytest

from upres.errors import ImageError
from upres.image.budget import COMMAND_MAX_PIXELS
from upres.image.io import read

REFUSED = {
    "apng_66KB_takes_7300MiB.png": "over the limit",
    "apng_acTL_1e9.png": "2 frames instead of 1000000000",
    "apng_bad_crc_frame_lost_with_warning_only.png": "checksum of its fdAT chunk",
    "dng_called_damaged.dng": "is a camera raw; develop it first",
    "gif_43B_10GiB_default_limit.gif": "over the limit",
    "gif_frame_bomb_89B_6GiB.gif": "cannot hold",
    "heif_control_character_in_message.heic": "damaged or truncated HEIF file",
    "jpeg_631B_takes_9800MiB.jpg": "over the limit",
    "jpeg_90KB_many_scans_over_25s.jpg": "more than 100 scans",
    "jpeg_cmyk_360B_10GiB.jpg": "over the limit",
    "jpeg_cut_with_eoi.jpg": "parts of its pixels are missing",
    "png16_cut.png": "truncated PNG file",
    "png_3_of_100_rows.png": "ends before the last row",
    "png_apple_cgbi_refused.png": "is an Apple CgBI file",
    "png_header_against_pixels_dims.png": "two headers",
    "tiff_cut_2248_of_2882.tif": "truncated TIFF file",
    "tiff_long_message.tif": "truncated TIFF file",
    "tiff_lzw_126_bytes_segfault.tif": "damaged or truncated TIFF file",
    "tiff_many_log_lines.tif": "damaged or truncated TIFF file",
    "tiff_spp65535.tif": "65535 samples a pixel",
}
READ = {
    "jpeg_12bit_called_damaged.jpg": (),
    "png16_interlaced_libpng_warning_on_stderr.png": (),
    "png_bad_crc_in_text_chunk_refused.png": ("its tEXt chunk is damaged and was left out",),
    "png_compressed_itxt_over_1MB_refused.png": ("its iTXt chunk holds over 1 MiB and was left out",),
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_at_once_in_one_quiet_line(shared, name, capfd):
    if not (shared / "cases" / name).is_file():
        pytest.skip("this case is not there")
    start = time.perf_counter()
    with pytest.raises(ImageError, match=REFUSED[name]) as caught:
        read(shared / "cases" / name, max_pixels=COMMAND_MAX_PIXELS)
    assert time.perf_counter() - start < 5
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1000
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", READ)
def test_it_is_read_in_silence(shared, name, capfd):
    if not (shared / "cases" / name).is_file():
        pytest.skip("this case is not there")
    assert read(shared / "cases" / name).notes == READ[name]
    assert capfd.readouterr() == ("", "")
