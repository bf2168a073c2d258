# Runs a throw-away Postgres until standard input closes. Arguments: the directory for its data, the directory for its
# socket, the directory of the server's binaries. Says "server PID" when it answers.
set -eu
dir=$1
sockets=$2
bin=$3
as=""
# The server refuses to run as root.
if [ "$(id -u)" = 0 ]; then
    chown postgres "$dir" "$sockets"
    as="setpriv --reuid=postgres --regid=postgres --clear-groups"
fi
# Where a parent directory is closed to the server's user, the data goes beside the socket.
$as test -w "$dir" 2>/dev/null || dir=$sockets
cd "$dir"
$as "$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync >/dev/null 2>&1
# As durable as it comes: that is what is measured.
$as "$bin/postgres" -D "$dir/data" -k "$sockets" -c listen_addresses= -c max_connections=1100 -c shared_buffers=256MB \
    -c max_wal_size=4GB -c log_min_messages=fatal >/dev/null 2>&1 &
server=$!
trap 'kill -INT "$server" 2>/dev/null || true; wait "$server" || true; rm -rf "$dir/data" "$sockets"' EXIT
until "$bin/pg_isready" -q -h "$sockets" -U postgres; do
    kill -0 "$server"
done
# The shell that changes its user is the server afterwards.
echo "server $(head -n 1 "$dir/data/postmaster.pid")"
read -r _ || true
