"""A class follows its presenter: pages without a Streamlit session, and a relay that keeps everything in memory and nothing longer."""

import asyncio
import signal
from types import FrameType

from app.classroom import key
from app.classroom.relay import led, routes

__all__ = ["begin", "joining", "routes"]


def begin() -> str:
    """Start the class in the running event loop, and end its streams when the server is told to stop, which waits for them. Returns the
    presenter's address."""
    loop, found = asyncio.get_running_loop(), led()
    for number in (signal.SIGINT, signal.SIGTERM):
        usual = signal.getsignal(number)

        def stop(given: int, frame: FrameType | None, usual: object = usual) -> None:
            loop.call_soon_threadsafe(found.close)
            if callable(usual):
                usual(given, frame)

        signal.signal(number, stop)
    return key.presenters_address()


def joining() -> str:
    """How the class comes, in a sentence."""
    address = key.class_address("http://localhost")
    if address is None:
        return "Only this machine can open the class; --host NAME names it to others."
    return f"For the class: {address}, code {key.code()}"
