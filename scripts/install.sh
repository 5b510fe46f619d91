#!/usr/bin/env bash
# Installs what a target needs: scripts/install.sh run|lint|test. A second call costs nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
level=${1:?say what to install for: run, lint or test}
unset VIRTUAL_ENV

say() { printf '%s\n' "$*" >&2; }
die() { say "$@"; exit 1; }

# --- What comes from the operating system ---------------------------------------------

missing=()
installed() { [[ $(dpkg-query -W -f='${Status}' "$1" 2>/dev/null) == "install ok installed" ]]; }
need_package() { installed "$1" || missing+=("$1"); }
need_program() { command -v "$1" >/dev/null || missing+=("$2"); }

# Only version 2 of Liberation has every Vietnamese letter; Debian 13 names it fonts-liberation.
need_liberation() {
    installed fonts-liberation2 && return
    dpkg --compare-versions "$(dpkg-query -W -f='${Version}' fonts-liberation 2>/dev/null)" ge 1:2 && return
    missing+=(fonts-liberation2)
}

as_root() {
    if [[ $(id -u) == 0 ]]; then "$@"
    elif sudo -n true 2>/dev/null; then sudo "$@"
    else return 1
    fi
}

apt_install() {
    as_root true || die "These packages are missing and only root may install them. Run:" \
        "sudo apt-get update && sudo apt-get install --no-install-recommends $*"
    say "Installing with apt: $*"
    local install=(env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@")
    if ! compgen -G '/var/lib/apt/lists/*Packages*' >/dev/null; then as_root apt-get update -qq; fi
    as_root "${install[@]}" </dev/null >&2 || {
        as_root apt-get update -qq
        as_root "${install[@]}" </dev/null >&2
    } || die "apt could not install: $*"
}

if command -v dpkg-query >/dev/null; then
    need_package libpango-1.0-0
    need_package libpangoft2-1.0-0
    need_package libharfbuzz-subset0
    need_package fonts-dejavu-core
    need_liberation
    need_program msgfmt gettext
    if [[ $level == test ]]; then
        need_program chromium chromium
        need_program pdftotext poppler-utils
    fi
    if ((${#missing[@]})); then apt_install "${missing[@]}"; fi
else
    command -v msgfmt >/dev/null || die "Not a Debian system: install gettext, Pango, HarfBuzz" \
        "and the fonts Liberation 2 and DejaVu with its own package manager first."
fi

# --- What comes from PyPI -------------------------------------------------------------

case $level in
    run) groups=(--no-dev --inexact) ;;
    lint | test) groups=(--group dev) ;;
    *) die "unknown: $level" ;;
esac
key=$(cat pyproject.toml uv.lock scripts/install.sh | sha256sum)
for stamp in ".venv/.installed-${groups[0]#--}" .venv/.installed-group; do
    if [[ -x .venv/bin/python && $(cat "$stamp" 2>/dev/null) == "$key" ]]; then exit 0; fi
done

working_python3() {
    local candidate
    for candidate in python3 /usr/bin/python3 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.*/bin/python3; do
        if "$candidate" -c "import sys; sys.exit(sys.version_info < (3, 9))" 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    die "No working python3 was found. On Debian: apt-get install python3 python3-venv"
}

# Into a folder of the project: Debian and others refuse pip outside of one.
install_uv() {
    local python
    python=$(working_python3)
    say "Installing uv into .uv/"
    "$python" -m pip install --quiet --target .uv uv 2>/dev/null && return
    "$python" -m venv .uv 2>/dev/null || {
        apt_install python3-venv
        python=/usr/bin/python3
        "$python" -m venv --clear .uv
    }
    .uv/bin/python -m pip install --quiet uv || die "pip could not install uv."
}

find_uv() {
    if .uv/bin/uv --version >/dev/null 2>&1; then uv=(.uv/bin/uv)
    elif python3 -m uv --version >/dev/null 2>&1; then uv=(python3 -m uv)
    elif command uv --version >/dev/null 2>&1; then uv=(uv)
    else return 1
    fi
}

# The version of .python-version first, then any that the project can use.
find_python() {
    local wanted pyenv candidate
    wanted=$(cat .python-version)
    pyenv=${PYENV_ROOT:-$HOME/.pyenv}/versions
    for candidate in "python$wanted" "$pyenv/$wanted"*/bin/python3 \
        python3 python3.12 python3.14 "$pyenv"/3.1[2-9]*/bin/python3; do
        "$candidate" -c "import sys; assert sys.version_info >= (3, 12); print(sys.executable)" \
            2>/dev/null && return
    done
    return 1
}

find_uv || { install_uv && find_uv; } || die "uv was installed but does not start."
if python=$(find_python); then
    export UV_PYTHON_DOWNLOADS=never
else
    python=$(cat .python-version)
    say "No Python 3.12 or newer is installed here: asking uv to download Python $python."
    "${uv[@]}" python install --quiet "$python" || die \
        "That failed. Install Python $python yourself (Debian 13: apt-get install python3;" \
        "elsewhere: pyenv install $python), then run this again."
fi
say "Installing the Python packages of uv.lock into .venv/"
"${uv[@]}" sync --quiet --locked --python "$python" "${groups[@]}" </dev/null
echo "$key" >".venv/.installed-${groups[0]#--}"
