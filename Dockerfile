# One image for every process of the portal; docker-compose.yml says which command runs where.

FROM python:3.13-slim-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends gettext \
    && rm -rf /var/lib/apt/lists/*
RUN pip install --no-cache-dir "uv>=0.9,<1"
ENV UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 UV_PYTHON_DOWNLOADS=never
WORKDIR /app
COPY pyproject.toml uv.lock .python-version ./
RUN uv sync --locked --no-dev
COPY . .
RUN for catalogue in locale/*/LC_MESSAGES/*.po; do \
        msgfmt --check-format --output-file="${catalogue%.po}.mo" "$catalogue" || exit 1; \
    done
RUN VAR_DIR=/tmp/build STATIC_ROOT=/app/collected \
    .venv/bin/python manage.py collectstatic --noinput --verbosity 0

FROM python:3.13-slim-bookworm
# What WeasyPrint draws with; Liberation 2 has every Vietnamese letter.
RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 \
        fonts-liberation2 fonts-dejavu-core \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --create-home motcua \
    && install -d -o motcua -g motcua /var/lib/mot-cua
COPY --from=build /app /app
WORKDIR /app
ENV PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1 \
    VAR_DIR=/var/lib/mot-cua STATIC_ROOT=/app/collected
USER motcua
EXPOSE 8000
CMD ["python", "manage.py", "serve", "--web-only", "--host", "0.0.0.0"]
