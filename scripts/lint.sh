#!/usr/bin/env bash
# Style, types of mistakes, templates, migrations, production settings, translations.
# Every check runs, so that one call names all faults.
set -uo pipefail
cd "$(dirname "$0")/.."
bin=.venv/bin
faults=()
check() {
    local name=$1
    shift
    "$@" || faults+=("$name")
}

VAR_DIR=$(mktemp -d)
export VAR_DIR
trap 'rm -rf "$VAR_DIR"' EXIT

mapfile -t templates < <(find templates -name '*.html' | sort)
mapfile -t catalogues < <(find locale -name '*.po' 2>/dev/null | sort)

production() {
    env -u DEMO -u DEBUG \
        PRODUCTION=1 \
        SECRET_KEY="$($bin/python -c 'import secrets; print(secrets.token_urlsafe(50))')" \
        SITE_URL=https://motcua.example.vn \
        ALLOWED_HOSTS=motcua.example.vn \
        TRUSTED_PROXY_COUNT=1 \
        DATABASE_URL=postgresql://motcua:secret@db.example.vn/motcua \
        REDIS_URL=redis://cache.example.vn:6379/0 \
        AWS_STORAGE_BUCKET_NAME=motcua \
        AWS_S3_ENDPOINT_URL=https://s3.example.vn \
        EMAIL_HOST=mail.example.vn \
        DEFAULT_FROM_EMAIL="Một Cửa <khong-tra-loi@example.vn>" \
        SMS_BACKEND=dossiers.channels.Port \
        VNPAY_PAY_URL=https://pay.example.vn/paymentv2/vpcpay.html \
        VNPAY_TMN_CODE=GIOLINH1 \
        VNPAY_HASH_SECRET=an-agreed-secret \
        SIGNING_KEY_FILE="$VAR_DIR/office.p12" \
        SIGNING_KEY_PASSWORD=a-password \
        "$@"
}
touch "$VAR_DIR/office.p12"

check "ruff check" $bin/ruff check .
check "ruff format" $bin/ruff format --check .
((${#templates[@]})) && check djade $bin/djade --target-version 6.1 --check "${templates[@]}"
check "missing migrations" $bin/python manage.py makemigrations --check --dry-run
check "production settings" production $bin/python manage.py check --deploy --fail-level WARNING
for catalogue in "${catalogues[@]}"; do
    check "$catalogue" msgfmt --check --output-file=/dev/null "$catalogue"
done

if ((${#faults[@]})); then
    printf 'make lint: failed:'
    printf ' [%s]' "${faults[@]}"
    printf '\n'
    exit 1
fi
echo "make lint: everything passed"
