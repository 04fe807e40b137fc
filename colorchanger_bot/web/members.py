"""The members of a community on the dashboard: a list to search and page through, with a switch for each."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

import orjson
from aiohttp import web

from colorchanger_bot.service.community import Member
from colorchanger_bot.service.service import Service
from colorchanger_bot.service.wording import members_text
from colorchanger_bot.web.access import Refused
from colorchanger_bot.web.bodies import as_json
from colorchanger_bot.web.plain import plain

logger = logging.getLogger(__name__)

ROWS = 25
"""Of one page."""
MOST_QUERY = 50


class Members:
    """The handlers of the list."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._community = service.community

    def routes(self) -> list[web.RouteDef]:
        """Return what answers on which path."""
        return [
            web.get("/api/members", self.show),
            web.put("/api/members/{id}/enabled", self.switch),
            web.delete("/api/members/{id}", self.remove),
        ]

    async def show(self, request: web.Request) -> web.Response:
        """One page of those whose name has the query in it."""
        query, number = request.query.get("query", "")[:MOST_QUERY].strip(), request.query.get("page", "1")
        if not (number.isdecimal() and number.isascii() and len(number) < 7):
            raise Refused(400, "the page is a number")
        found = await self._community.members(query=query, page=max(1, int(number)), per_page=ROWS)
        return as_json(
            {
                "sums": members_text(found.sums),
                "page": found.page,
                "pages": found.pages,
                "found": found.found,
                "total": found.total,
                "rows": [_row(member) for member in found.rows],
            }
        )

    async def switch(self, request: web.Request) -> web.Response:
        """Switch a member's colours on or off."""
        member = self._member(request)
        painter = self._service.changer.get(member.user_id)
        if painter is None:
            raise Refused(409, f"{member.login} is not managed now")
        try:
            wanted = orjson.loads(await request.read())
        except orjson.JSONDecodeError:
            wanted = None
        if not isinstance(wanted, bool) or request.content_type != "application/json":
            raise Refused(400, "send true or false as JSON")
        await painter.adjust(enabled=wanted)
        logger.info("the dashboard: switched %s", "on" if wanted else "off", extra={"account": member.login})
        return as_json({})

    async def remove(self, request: web.Request) -> web.Response:
        """Delete everything about a member, and end his login."""
        member = self._member(request)
        await self._community.forget(member.user_id)
        logger.info("the dashboard: removed %s from the community", member.login)
        return as_json({})

    def _member(self, request: web.Request) -> Member:
        member = self._community.member(request.match_info["id"])
        if member is None:
            raise Refused(404, "this is no member of the community")
        return member


def _row(member: Member) -> dict[str, Any]:
    changed = member.last_change
    return {
        "id": member.user_id,
        "login": member.login,
        "state": member.state,
        "reason": plain(member.reason),
        "isOn": member.is_on,
        "color": member.color or "",
        "changed": None if changed is None else datetime.fromtimestamp(changed, UTC).isoformat(),
        "changes": member.changes,
    }
