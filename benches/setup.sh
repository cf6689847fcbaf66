#!/bin/sh
# Gets what the benchmarks compare with, once: squawk's command line, of the version whose library is built in, in an
# environment of its own below target/.
set -eu
cd "$(dirname "$0")/.."
version=2.68.0
home=target/squawk

[ "$("$home/bin/squawk" --version 2>/dev/null)" != "squawk $version" ] || exit 0
echo "setup: installing squawk-cli $version for the benchmarks" >&2
rm -rf "$home"
python3 -m venv "$home" >&2 && "$home/bin/pip" install --quiet --disable-pip-version-check "squawk-cli==$version" >&2 || {
	echo "setup: squawk-cli $version could not be installed; it needs Python with venv (apt-get install python3-venv) and PyPI" >&2
	exit 1
}
