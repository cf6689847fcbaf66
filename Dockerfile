# The image that deploys: prisma-safe, Node.js for your project's own Prisma, and PostgreSQL's programs for backups, their proof and the
# rehearsal. They have to be of your server's major version:
#
#   docker build --build-arg POSTGRES=17 -t prisma-safe .
#   docker run --rm -v "$PWD:/project" -e DATABASE_URL prisma-safe deploy
#
# The project is mounted with its node_modules and its backups. A scratch server runs as the image's user, never as root.
FROM rust:1-bookworm AS build
WORKDIR /source
COPY . .
RUN cargo install --locked --path . --root /out

FROM node:22-bookworm-slim
ARG POSTGRES=17
RUN apt-get update \
  && apt-get install -y --no-install-recommends ca-certificates git postgresql-common \
  && /usr/share/postgresql-common/pgdg/apt.postgresql.org.sh -y \
  && apt-get install -y --no-install-recommends "postgresql-$POSTGRES" "postgresql-client-$POSTGRES" \
  && rm -rf /var/lib/apt/lists/*
COPY --from=build /out/bin/prisma-safe /usr/local/bin/
USER node
WORKDIR /project
ENTRYPOINT ["prisma-safe"]
