"""No module writes files by itself: `imaging/files.py` checks that all of it is on the disk."""

import re

WRITES = re.compile(
    r"\.write_(?:text|bytes)\(|\bopen\([^)\n]*[\"'][wax]b?\+?[\"']|np\.save|\.savefig\(|\bto_csv\("
    r"|TFRecordWriter\(|\.save_weights\(|\bcopy(?:file|tree)\(|shutil\.(?:copy|move)|saved_model\.save\("
)
# Why each may: what it writes is checked otherwise, or is no result.
KNOWN = {
    "cli/main.py": 1,  # standard error, where it was closed
    "data/shard.py": 1,  # inside atomic_path, and read back
    "evaluation/figures.py": 1,  # into the stream of atomic_file
    "evaluation/score_files.py": 1,  # a line at a time; scores.json comes last, and vouches for it
    "exporting/release.py": 2,  # into memory; a copy in the system's temporary folder
    "exporting/saved_model.py": 2,  # inside atomic_folder; TensorFlow and Python raise
    "exporting/warm_up.py": 1,  # the same
    "training/distribution.py": 1,  # a copy in the system's temporary folder
    "training/runs.py": 1,  # into memory: save_whole
}


def test_only_known_places_write(repository):
    package = repository / "keras_colorize"
    found = {}
    for path in sorted(package.rglob("*.py")):
        code = re.sub(r'""".*?"""', "", path.read_text(), flags=re.DOTALL)
        code = "\n".join(line for line in code.splitlines() if ">>>" not in line)
        if count := len(WRITES.findall(code)):
            found[path.relative_to(package).as_posix()] = count
    assert found == KNOWN
