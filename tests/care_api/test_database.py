"""How the application holds on to its database."""

from __future__ import annotations

import socket

import pytest
from psycopg import pq
from psycopg.conninfo import make_conninfo

from care_api.database import ENGINE


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="an option of Linux")
def test_a_server_that_vanishes_without_a_word_is_noticed_in_seconds():
    with socket.create_server(("127.0.0.1", 0)) as server:
        host, port = server.getsockname()
        talk = pq.PGconn.connect_start(make_conninfo(host=host, port=port, **ENGINE["connect_args"]).encode())
        with socket.socket(fileno=talk.socket) as line:
            assert line.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            beats = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
            idle, apart, count = (line.getsockopt(socket.IPPROTO_TCP, option) for option in beats)
            assert idle + apart * count <= 20
            assert 0 < line.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) <= 10_000
            line.detach()  # it is the connection's to close
        talk.finish()
