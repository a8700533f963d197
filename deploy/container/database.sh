#!/usr/bin/env bash
# Run once by the image of PostgreSQL, after roles.sql: the passwords of the two users, and the database.
set -euo pipefail
psql -v ON_ERROR_STOP=1 -v owner="$OWNER_PASSWORD" -v serving="$SERVING_PASSWORD" --username postgres postgres <<'SQL'
ALTER ROLE registry_owner PASSWORD :'owner';
ALTER ROLE registry_serving PASSWORD :'serving';
CREATE DATABASE registry OWNER registry_owner TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8';
SQL
