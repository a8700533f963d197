#!/usr/bin/env bash
# Run by the image of nginx before it starts: the site as install.sh writes it, but for the name of the web container.
set -euo pipefail
# shellcheck source=deploy/lib.sh
source /etc/registry/lib.sh
names=${NAMES:?} https=${HTTPS_PORT:?}
rm -f /etc/nginx/conf.d/default.conf
nginx_configuration /etc/registry/nginx "$names" "$https" 0 8000 /etc/registry/tls/registry.crt \
  /etc/registry/tls/registry.key /etc/registry/nginx/pages | sed 's/server 127\.0\.0\.1:8000/server web:8000/' \
  >/etc/nginx/conf.d/registry.conf
