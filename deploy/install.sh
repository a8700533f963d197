#!/usr/bin/env bash
# Installs the registry from an unpacked bundle (make bundle) on Debian, Ubuntu, openEuler or Kylin, without a network.
# Run again it keeps secrets, data and certificates, and changes only what is asked otherwise.
set -euo pipefail
bundle=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=deploy/lib.sh
source "$bundle/deploy/lib.sh"

usage() {
  cat <<'USAGE'
用法:sudo bash deploy/install.sh --host 主机名或地址 [选项]

  --host 名称          用户在浏览器里输入的主机名或 IP 地址,可以写几次;缺省是本机名和本机地址
  --port 443           https 端口
  --http-port 80       把 http 转到 https 的端口;0 表示不设
  --app-port 8000      本机内部使用的端口
  --cert 文件 --key 文件   本单位的证书和私钥(PEM);不给则自制一份
  --database auto      auto:本机有 PostgreSQL 就用它,否则用 SQLite;也可写 postgres 或 sqlite
  --serving-url URL --owner-url URL   别处的 PostgreSQL:服务用户和表的所有者(先由其管理员运行 deploy/roles.sql)
  --signer 文件        核对安装包签名的公钥(PEM);此后升级也要求签名
USAGE
}

hosts=() port='' http_port='' app_port='' cert='' key='' database='' serving_url='' owner_url='' signer=''
while (($#)); do
  case $1 in
    -h | --help) usage; exit 0 ;;
    --host | --port | --http-port | --app-port | --cert | --key | --database | --serving-url | --owner-url | --signer)
      [[ -n ${2-} ]] || stop "$1 后面缺少内容。" "用法见 --help。"
      if [[ $1 == --host ]]; then
        [[ $2 =~ ^[A-Za-z0-9.:-]+$ ]] || stop "--host $2 不是主机名或地址。" "只写名称,不写 https:// 和端口。"
        hosts+=("$2")
      else
        name=${1#--}
        declare "${name//-/_}=$2"
      fi
      shift 2 ;;
    *) stop "不认识 $1。" "用法见 --help。" ;;
  esac
done
need_root

# What was answered before holds until it is answered otherwise.
before() { sed -n "s/^$1=//p" "$ANSWERS" 2>/dev/null || true; }
if ((${#hosts[@]} == 0)); then read -r -a hosts <<<"$(before hosts)"; fi
if ((${#hosts[@]} == 0)); then
  read -r -a hosts <<<"$(hostname -f 2>/dev/null || hostname) $(hostname -I 2>/dev/null | tr ' ' '\n' | grep -v : | tr '\n' ' ')"
fi
for each in port:443 http_port:80 app_port:8000 database:auto; do
  name=${each%%:*}
  if [[ -z ${!name} ]]; then
    kept=$(before "$name")
    declare "$name=${kept:-${each#*:}}"
  fi
done
for name in port http_port app_port; do
  if ! [[ ${!name} =~ ^(0|[1-9][0-9]{0,4})$ ]] || ((${!name} > 65535)); then
    stop "--${name//_/-} ${!name} 不是端口号。"
  fi
done
if [[ -n $cert || -n $key ]]; then
  [[ -r $cert && -r $key ]] || stop "证书和私钥要一起给出,而且能读:--cert $cert --key $key"
fi
[[ $database =~ ^(auto|postgres|sqlite)$ ]] || stop "--database $database 不认识。" "可写 auto、postgres、sqlite。"
if [[ -n $serving_url || -n $owner_url ]]; then
  [[ -n $serving_url && -n $owner_url ]] || stop "--serving-url 和 --owner-url 要一起给出。"
fi
version=$(cat "$bundle/VERSION" 2>/dev/null) || stop "这里不是完整的安装包:$bundle" "请解开 make bundle 制作的安装包,在其中运行。"
release=$HOME_DIR/releases/$version
if [[ -L $HOME_DIR/current && $(readlink "$HOME_DIR/current") != "$release" ]]; then
  stop "本机已经装有版本 $(basename "$(readlink "$HOME_DIR/current")")。" "升级请运行:sudo bash deploy/upgrade.sh"
fi

# --- 1 ---------------------------------------------------------------------------------------------------
step "核对安装包"
if [[ -z $signer && -f $SETTINGS/signer.pem ]]; then signer=$SETTINGS/signer.pem; fi
check_bundle "$bundle" "$signer"

# --- 2 ---------------------------------------------------------------------------------------------------
step "检查系统软件(systemd、nginx、Python、openssl)"
lacking() {
  local name
  for name in nginx openssl; do has "$name" || printf '%s ' "$name"; done
  if [[ $database != sqlite && -z $serving_url ]] && ! has psql; then
    if [[ $database == postgres ]] || compgen -G "$bundle/packages/postgresql*" >/dev/null; then printf 'postgresql '; fi
  fi
  find_python "$bundle" || printf 'python3 '
}
# Packages of this system that the bundle brings; those that are there already stay as they are.
install_packages() {
  local folder=$bundle/packages list
  if has apt-get && compgen -G "$folder/*.deb" >/dev/null; then
    list=$(mktemp -d)
    printf 'deb [trusted=yes] file:%s ./\n' "$folder" >"$list/sources.list"
    mkdir "$list/lists"
    local -a from=(-qq -o "Dir::Etc::sourcelist=$list/sources.list" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$list/lists"
      -o APT::Sandbox::User=root)
    {
      apt-get "${from[@]}" update
      DEBIAN_FRONTEND=noninteractive apt-get "${from[@]}" install -y --no-install-recommends "$@"
    } </dev/null >"$list/log" 2>&1 || stop "安装包里的系统软件没有装成,见 $list/log。"
    rm -r "$list"
  elif has dnf && compgen -G "$folder/*.rpm" >/dev/null; then
    dnf --disablerepo='*' --quiet -y install "$folder"/*.rpm || stop "安装包里的系统软件没有装成。"
  fi
}
has systemctl || stop "本机没有 systemd(systemctl)。" "请用 deploy/container/ 的容器方式,或见 docs/operations.md。"
mkdir -p "$HOME_DIR/releases" "$HOME_DIR/python"
missing=$(lacking)
if [[ -n $missing ]]; then
  say "缺少 $missing,从安装包安装"
  # shellcheck disable=SC2086  # one name a word
  install_packages $missing
  missing=$(lacking)
  [[ -z $missing ]] || stop "缺少系统软件:$missing" \
    "Debian、Ubuntu:挂载安装盘后 sudo apt-get install nginx-light python3 openssl" \
    "openEuler、麒麟:挂载安装盘后 sudo dnf install nginx python3 openssl" \
    "Python 须为 $(sed -n 's/^pythons=//p' "$bundle/BUNDLE");系统的更旧时用带 Python 的安装包(PYTHON_ARCHIVE=)。"
fi
find_python "$bundle"
say "nginx $(nginx -v 2>&1 | sed 's/.*nginx\///'),$("$PYTHON" -V)"

# --- 3 ---------------------------------------------------------------------------------------------------
step "建立用户 registry 和文件夹"
if ! id registry >/dev/null 2>&1; then
  useradd --system --home-dir "$DATA" --no-create-home --shell "$(command -v nologin || echo /sbin/nologin)" registry
  say "建立了系统用户 registry,不能登录"
fi
install -d -m 0755 -o root -g root "$HOME_DIR" "$HOME_DIR/releases"
install -d -m 0750 -o root -g registry "$SETTINGS"
install -d -m 0700 -o root -g root "$SETTINGS/tls"
install -d -m 0700 -o registry -g registry "$DATA" "$DATA/files" "$DATA/state" "$LOGS" "$BACKUPS"
say "程序 $HOME_DIR,设置 $SETTINGS,数据 $DATA,日志 $LOGS,备份 $BACKUPS"

# --- 4 ---------------------------------------------------------------------------------------------------
step "安装程序(不需要网络)"
make_release "$bundle" "$release"

# --- 5 ---------------------------------------------------------------------------------------------------
step "准备数据库"
# A server that was just installed: openEuler and Kylin neither begin nor start it, Debian and Ubuntu did both.
if [[ $database != sqlite && -z $serving_url && ! -f $ENVIRONMENT ]] && systemctl cat postgresql >/dev/null 2>&1; then
  if has postgresql-setup && [[ ! -e /var/lib/pgsql/data/PG_VERSION ]]; then postgresql-setup --initdb >/dev/null; fi
  systemctl enable --quiet --now postgresql || stop "PostgreSQL 没有启动。" "原因见:journalctl -u postgresql -n 50"
fi
as_postgres() { (cd / && runuser -u postgres -- "$@"); }
local_postgres() { id postgres >/dev/null 2>&1 && has psql && as_postgres psql -Atqc 'SELECT 1' postgres >/dev/null 2>&1; }

# Whether a user of the database comes in by its password over TCP, as the services do.
can_enter() {
  "$release/.venv/bin/python" -c 'import sys, psycopg2; psycopg2.connect(sys.stdin.read().strip(), connect_timeout=5)' \
    <<<"$1" 2>/dev/null
}

make_database() {
  local port_of_it owner_password serving_password place
  port_of_it=$(as_postgres psql -Atqc 'SHOW port' postgres)
  owner_password=$(random 24) serving_password=$(random 24)
  as_postgres psql -q -v ON_ERROR_STOP=1 postgres <"$release/deploy/roles.sql"
  as_postgres psql -q -v ON_ERROR_STOP=1 postgres <<SQL
SET password_encryption = 'scram-sha-256';
ALTER ROLE registry_owner PASSWORD '$owner_password';
ALTER ROLE registry_serving PASSWORD '$serving_password';
SQL
  if [[ -z $(as_postgres psql -Atqc "SELECT 1 FROM pg_database WHERE datname = 'registry'" postgres) ]]; then
    as_postgres createdb -T template0 -E UTF8 --locale=C.UTF-8 -O registry_owner registry 2>/dev/null \
      || as_postgres createdb -T template0 -E UTF8 --locale=C -O registry_owner registry
    say "建立了数据库 registry"
  else
    say "数据库 registry 已经存在,保留其中的数据"
  fi
  serving_url=postgres://registry_serving:$serving_password@127.0.0.1:$port_of_it/registry
  owner_url=postgres://registry_owner:$owner_password@127.0.0.1:$port_of_it/registry
  if ! can_enter "$serving_url"; then
    # openEuler and Kylin ship `ident` for addresses: two lines for these two users, before all others.
    place=$(as_postgres psql -Atqc 'SHOW hba_file' postgres)
    cp -p "$place" "$place.before-registry"
    {
      echo '# 战时党建登记:两个用户在本机凭密码进入'
      echo 'host registry registry_owner,registry_serving 127.0.0.1/32 scram-sha-256'
      cat "$place.before-registry"
    } >"$place"
    as_postgres psql -Atqc 'SELECT pg_reload_conf()' postgres >/dev/null
    sleep 1
    can_enter "$serving_url" || stop "用密码进不了数据库 registry(127.0.0.1:$port_of_it)。" \
      "请在 $place 中允许 registry_owner 和 registry_serving 从 127.0.0.1 用 scram-sha-256 进入。"
    say "在 $place 加了一行,原文件存为 $place.before-registry"
  fi
  say "PostgreSQL:registry_owner 拥有表、只用于建表;registry_serving 供系统使用,权限最小"
}

if [[ -f $ENVIRONMENT ]]; then
  say "设置文件已有数据库,保留"
elif [[ -n $serving_url ]]; then
  for each in "$serving_url" "$owner_url"; do
    can_enter "$each" || stop "给出的数据库进不去。" "请核对 --serving-url 和 --owner-url。"
  done
elif [[ $database != sqlite ]] && local_postgres; then
  make_database
elif [[ $database == postgres ]]; then
  stop "本机没有运行中的 PostgreSQL。" "请从安装盘安装并启动 postgresql,或用 --serving-url 和 --owner-url 指出别处的。"
else
  say "使用 SQLite:$DATA/registry.sqlite3(适合试用和一个县;以后可以换成 PostgreSQL)"
  serving_url=sqlite:///$DATA/registry.sqlite3
fi

# --- 6 ---------------------------------------------------------------------------------------------------
step "写设置文件 $ENVIRONMENT"
names=$(printf '%s\n' "${hosts[@]}" localhost 127.0.0.1 | awk '!seen[$0]++' | paste -sd, -)
if [[ ! -f $ENVIRONMENT ]]; then
  put "$ENVIRONMENT" 0640 <<SETTINGS || true
# 战时党建登记的设置;README.md 有全部说明。改后运行:systemctl restart registry-web registry-worker
DATABASE_URL=$serving_url
# 三个密钥由安装程序随机生成。丢失 SEAL_KEY 不能再证明操作记录完整,丢失 WALL_KEY 读不出限阅台账:另存于别处。
SECRET_KEY=$(random 32)
SEAL_KEY=$(random 32)
WALL_KEY=$(random 32)
ALLOWED_HOSTS=$names
TRUSTED_PROXIES=127.0.0.1
FILES_DIR=$DATA/files
STATE_DIR=$DATA/state
LOG_DIR=$LOGS
SEAL_COPY=$DATA/seals.txt
BACKUP_DIR=$BACKUPS
PORT=$app_port
SETTINGS
  if [[ -n $owner_url ]]; then
    put "$OWNER_ENVIRONMENT" 0600 <<<"DATABASE_URL=$owner_url" || true
  fi
  say "随机生成了 SECRET_KEY、SEAL_KEY、WALL_KEY"
else
  set_in_environment() {
    local changed
    changed=$(sed "s|^$1=.*|$1=$2|" "$ENVIRONMENT")
    if put "$ENVIRONMENT" 0640 <<<"$changed"; then say "$1 改为 $2"; changed_settings=yes; fi
  }
  set_in_environment ALLOWED_HOSTS "$names"
  set_in_environment PORT "$app_port"
  say "密钥和其他设置保持不变"
fi
chown root:registry "$ENVIRONMENT"
put "$ANSWERS" 0644 <<ANSWERS_TO_KEEP || true
hosts=${hosts[*]}
port=$port
http_port=$http_port
app_port=$app_port
database=$database
ANSWERS_TO_KEEP
if [[ -n $signer && $signer != "$SETTINGS/signer.pem" ]]; then
  install -m 0644 "$signer" "$SETTINGS/signer.pem"
  say "此后升级要求用同一私钥签名"
fi

# --- 7 ---------------------------------------------------------------------------------------------------
step "建立数据库的表"
migrate "$release"
switch_to "$release"
ln -sfn "$HOME_DIR/current/deploy/registry" /usr/sbin/registry
say "管理命令:sudo registry 命令(例如 sudo registry check --deploy)"

# --- 8 ---------------------------------------------------------------------------------------------------
step "准备证书"
certificate=$SETTINGS/tls/registry.crt certificate_key=$SETTINGS/tls/registry.key
if [[ -n $cert ]]; then
  [[ $(openssl x509 -noout -pubkey -in "$cert") == "$(openssl pkey -pubout -in "$key" 2>/dev/null)" ]] \
    || stop "证书 $cert 与私钥 $key 不是一对。"
  put "$certificate" 0644 <"$cert" || true
  put "$certificate_key" 0600 <"$key" || true
  say "使用给出的证书,有效期至 $(openssl x509 -noout -enddate -in "$certificate" | cut -d= -f2)"
elif [[ -f $certificate ]]; then
  say "证书已有,保留,有效期至 $(openssl x509 -noout -enddate -in "$certificate" | cut -d= -f2)"
else
  alternatives=$(printf '%s\n' "${hosts[@]}" | while read -r each; do
    if [[ $each =~ ^[0-9.]+$ || $each == *:* ]]; then echo "IP:$each"; else echo "DNS:$each"; fi
  done | paste -sd, -)
  (umask 077 && openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/CN=${hosts[0]:0:60}" \
    -addext "subjectAltName=$alternatives" -keyout "$certificate_key" -out "$certificate" 2>/dev/null) \
    || stop "证书没有制成($alternatives)。"
  chmod 0644 "$certificate"
  say "自制了证书($alternatives)。浏览器第一次会提示;换成本单位的:再运行一次,加 --cert 和 --key"
fi

# --- 9 ---------------------------------------------------------------------------------------------------
step "设置 nginx(https 端口 $port)"
site=/etc/nginx/conf.d/registry.conf
before_site=$(cat "$site" 2>/dev/null || true)
if put "$site" 0644 < <(nginx_configuration "$release/deploy/nginx" "${hosts[*]}" "$port" "$http_port" "$app_port" \
  "$certificate" "$certificate_key" "$HOME_DIR/current/deploy/nginx/pages"); then
  if ! said=$(nginx -t 2>&1); then
    if [[ -n $before_site ]]; then printf '%s\n' "$before_site" >"$site"; else rm -f "$site"; fi
    stop "nginx 不接受设置,已恢复原样:" "$said"
  fi
  say "写了 $site"
else
  say "$site 不变"
fi
if has getenforce && [[ $(getenforce) == Enforcing ]]; then
  setsebool -P httpd_can_network_connect 1
  if has semanage && [[ $port != 443 ]]; then semanage port -a -t http_port_t -p tcp "$port" 2>/dev/null || true; fi
  say "SELinux:允许 nginx 连接本机的 $app_port 端口"
fi
if has firewall-cmd && firewall-cmd --state >/dev/null 2>&1; then
  for each in "$port" "$http_port"; do
    if [[ $each != 0 ]]; then firewall-cmd --quiet --permanent --add-port="$each/tcp"; fi
  done
  firewall-cmd --quiet --reload
  say "防火墙放行端口 $port $http_port"
fi
systemctl enable --quiet nginx
if systemctl is-active --quiet nginx; then systemctl reload nginx; else
  systemctl start nginx || stop "nginx 没有启动。" "端口 $port 或 $http_port 可能已被占用:ss -ltnp;或换 --port、--http-port 0。"
fi

# --- 10 --------------------------------------------------------------------------------------------------
step "启动服务"
put_units "$release" "$app_port"
systemctl enable --quiet registry-web.socket registry-web registry-worker
if [[ -n $CHANGED ]]; then systemctl restart registry-web.socket || stop "端口 $app_port 已被占用。" "换一个:--app-port 8001。"; fi
if [[ -n $CHANGED || -n ${changed_settings-} ]]; then systemctl restart registry-web registry-worker; fi
systemctl start registry-web.socket registry-web registry-worker
for each in "$release"/deploy/systemd/*.timer; do systemctl enable --quiet --now "${each##*/}"; done
wait_until_ready "$app_port" || stop "服务没有就绪。" "原因见:journalctl -u registry-web -u registry-worker -n 50"

suffix=''
if [[ $port != 443 ]]; then suffix=:$port; fi
step "完成"
say "地址:https://${hosts[0]}$suffix/"
say "下一步:sudo registry setup            建立首个单位和首位管理员,显示一次性密码"
say "然后:  sudo registry check --deploy   说明还有什么没有做"
say "请把 $ENVIRONMENT 里的 SEAL_KEY 和 WALL_KEY 抄存到本机以外的安全处;备份里没有它们。"
