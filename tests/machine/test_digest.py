"""SHA-256 of files."""

import hashlib

import pytest

from upres.machine.digest import digest


def test_it_is_the_sha256_of_the_content(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"abc")  # the first example of FIPS 180-2
    assert digest(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_it_may_leave_out_the_beginning(tmp_path):
    path = tmp_path / "file"
    content = bytes(range(256)) * 5000
    path.write_bytes(content)
    assert digest(path, start=100_001) == hashlib.sha256(content[100_001:]).hexdigest()


def test_a_missing_file_is_the_system_s_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        digest(tmp_path / "nowhere")
