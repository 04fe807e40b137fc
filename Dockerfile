# syntax=docker/dockerfile:1
# The first stage builds a virtual environment. The second has no compiler and no pip cache, and does not run as root.

FROM python:3.13-slim AS build
RUN python -m venv /opt/colorchanger
WORKDIR /src
COPY pyproject.toml setup.py README.md LICENSE MANIFEST.in ./
COPY colorchanger_bot colorchanger_bot
COPY cogs cogs
# The Client ID of an application that everyone who runs this image may use; empty: they register their own.
ARG COLORCHANGER_CLIENT_ID=""
RUN /opt/colorchanger/bin/pip install --no-cache-dir --disable-pip-version-check .

FROM python:3.13-slim
RUN useradd --create-home --uid 10001 colorchanger \
    && install -d -o colorchanger -g colorchanger -m 0700 /data
COPY --from=build /opt/colorchanger /opt/colorchanger
ENV PATH=/opt/colorchanger/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    COLORCHANGER_STORAGE__URL=sqlite:////data/colorchanger.sqlite3
USER 10001
WORKDIR /data
VOLUME /data
HEALTHCHECK --interval=30s --timeout=10s --start-period=20s CMD ["colorchanger", "health"]
# With the exec form the bot is process 1, so `docker stop` reaches it. It stops within 5 s.
STOPSIGNAL SIGTERM
ENTRYPOINT ["colorchanger"]
CMD ["run"]
