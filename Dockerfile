# The module beside Debian's nginx.  PostgreSQL stays outside.  To see the
# host and not the container:
#
#   docker run --pid=host --network=host --cap-add SYS_PTRACE \
#       -v /etc/procmgr:/etc/procmgr:ro -v procmgr:/var/lib/procmgr \
#       -v ./nginx.conf:/etc/nginx/nginx.conf:ro procmgr
#
# nginx.conf as in examples/nginx.conf.  Under no-new-privileges the helper
# cannot become root; it says so and acts for nobody.

FROM debian:12-slim AS build

RUN apt-get update && apt-get install -y --no-install-recommends \
        gcc libc6-dev make nginx nginx-dev libjansson-dev libpq-dev \
        libcrypt-dev nodejs npm perl

COPY . /procmgr
WORKDIR /procmgr
RUN make install DESTDIR=/image


FROM debian:12-slim

RUN apt-get update && apt-get install -y --no-install-recommends \
        nginx libjansson4 libpq5 libcrypt1 \
    && rm -rf /var/lib/apt/lists/*

COPY --from=build /image /
RUN chgrp www-data /usr/libexec/procmgr-helper \
    && chmod 4750 /usr/libexec/procmgr-helper \
    && install -d -m 700 /var/lib/procmgr/spool

EXPOSE 8080
STOPSIGNAL SIGQUIT
CMD ["nginx", "-g", "daemon off;"]
