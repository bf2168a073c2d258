"""A mail server for tests, on aiosmtpd: `smtp_server.py [PORT]`.

Prints `port N` when it listens, then one line of JSON for each mail that it takes. It ends when its
standard input does. By the name before the @ of a recipient:

busy      is told to come later (451), twice, and taken then
refused   is refused for good (550)
slow      is taken after five seconds

Who signs in does so with the password `right`; another is refused (535).
"""

import asyncio
import json
import sys

from aiosmtpd.smtp import SMTP, AuthResult


class Handler:
    def __init__(self):
        self.busy = 0

    async def handle_RCPT(self, server, session, envelope, address, options):
        name = address.split("@")[0]
        if name == "busy" and self.busy < 2:
            self.busy += 1
            return "451 4.7.1 greylisted, come later"
        if name == "refused":
            return "550 5.1.1 nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mail = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "data": envelope.content.decode("ascii"),
        }
        if envelope.rcpt_tos[0].startswith("slow@"):
            await asyncio.sleep(5)
        print(json.dumps(mail), flush=True)
        return "250 OK"


def authenticate(server, session, envelope, mechanism, data):
    return AuthResult(success=data.password == b"right", handled=False)


async def main(port):
    def serve():
        return SMTP(handler, authenticator=authenticate, auth_require_tls=False)

    handler = Handler()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(serve, "127.0.0.1", port)
    print("port", server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 0))
