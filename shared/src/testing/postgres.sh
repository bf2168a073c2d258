# Runs a throw-away Postgres until standard input closes, which it does when the tests end, however
# they end. Arguments: the directory for everything, the directory of the server's binaries, and what else the server is
# told.
set -eu
dir=$1
bin=$2
shift 2
as=""
# The server refuses to run as root.
if [ "$(id -u)" = 0 ]; then
    chown -R postgres "$dir"
    as="setpriv --reuid=postgres --regid=postgres --clear-groups"
fi
cd "$dir"
$as "$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync >"$dir/initdb.log" 2>&1
# Durable against nothing: the tests never crash the server, only its clients.
$as "$bin/postgres" -D "$dir/data" -k "$dir" -c listen_addresses= -c fsync=off -c max_connections=400 \
    -c log_min_messages=fatal "$@" >"$dir/server.log" 2>&1 &
server=$!
read -r _ || true
kill -INT "$server" 2>/dev/null || true
wait "$server" || true
rm -rf "$dir"
