"""A path with a superfluous slash at the end, or without the one it needs, leads to the right one."""

from aiohttp import hdrs, web
from yarl import URL


async def redirect_target(request: web.Request) -> str | None:
    """Return where a request that matched no route should go, its query kept, or None.

    That is the path without its last slash, or with one more, where such a route exists.
    """
    if request.match_info.http_exception is None:  # a handler's own 404
        return None
    path, mark, query = request.raw_path.partition("?")
    other = path.rstrip("/") if path.endswith("/") else f"{path}/"
    if not other.startswith("/") or other.startswith("//"):  # `//host` would lead to another server
        return None
    target = request.clone(rel_url=URL(other, encoded=True))
    found = (await request.app.router.resolve(target)).http_exception
    if found is not None and hdrs.ALLOW not in found.headers:
        return None
    return f"{other}{mark}{query}"
