import os
import threading

import pytest

from tsrnn.whole_files import check_regular, write_whole


def test_a_file_takes_the_place_of_another_and_of_what_a_dead_process_left(tmp_path):
    file = tmp_path / "a.bin"
    (tmp_path / f".a.bin.{os.getpid()}.unfinished").write_bytes(b"half")
    write_whole(file, b"one")
    write_whole(file, b"two")
    assert file.read_bytes() == b"two"
    assert os.listdir(tmp_path) == ["a.bin"]


def test_a_file_keeps_its_permissions(tmp_path):
    file = tmp_path / "a.bin"
    write_whole(file, b"one")
    file.chmod(0o640)
    write_whole(file, b"two")
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"two", 0o640)


@pytest.mark.parametrize("step", ["fsync", "getpid"])
def test_what_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, step):
    def fail(*arguments):
        raise OSError(28, "No space left on device")

    write_whole(tmp_path / "a.bin", b"one")
    monkeypatch.setattr(os, step, fail)
    with pytest.raises(OSError, match="No space left"):
        write_whole(tmp_path / "a.bin", b"two")
    assert (tmp_path / "a.bin").read_bytes() == b"one"
    assert os.listdir(tmp_path) == ["a.bin"]


def test_an_error_names_the_file_and_not_what_is_written_beside_it(tmp_path, monkeypatch):
    def fail(*arguments):
        raise OSError(28, "No space left on device")

    file = tmp_path / "a.bin"
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match=r"No space left on device: .*a\.bin'$"):
        write_whole(file, b"one")
    with pytest.raises(FileNotFoundError, match=r"No such file or directory: .*a\.bin'$"):
        write_whole(tmp_path / "none" / "a.bin", b"one")


def test_a_link_stays_and_a_pipe_is_written_to(tmp_path):
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_whole(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"
    os.mkfifo(tmp_path / "pipe")
    got = []
    reader = threading.Thread(target=lambda: got.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    write_whole(tmp_path / "pipe", b"flow")
    reader.join()
    assert got == [b"flow"]


def test_links_that_lead_to_each_other_are_an_error_and_stay(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError, match=r"Too many levels of symbolic links: .*a'$"):
        write_whole(tmp_path / "a", b"one")
    assert sorted(os.listdir(tmp_path)) == ["a", "b"]
    assert (tmp_path / "a").is_symlink()


def test_what_is_no_file_is_told_before_it_is_read(tmp_path, put_no_file):
    file = tmp_path / "a.bin"
    with pytest.raises(FileNotFoundError, match=r"a\.bin"):
        check_regular(file)
    file.write_bytes(b"one")
    check_regular(file)
    put_no_file(file)
    with pytest.raises(OSError, match=r"(Is a directory|it is a pipe or a device; expected a file): .*a\.bin'"):
        check_regular(file)
