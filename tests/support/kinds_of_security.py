"""Pairs in which the credentials differ that operations require, or the schemes that describe them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from tests.support.kind_documents import (
    ADD,
    BEARER,
    BRK,
    COOKIE,
    DOC,
    FLOW,
    KEY,
    Pair,
    by_reference,
    called_with,
    calling_back,
    calls,
    elsewhere,
    flows,
    in_components,
    inheriting,
    of_path,
    open_to_all,
    own_list,
    scheme,
    scheme_by_reference,
    secured,
    signed,
    uncalled,
    used_in_part,
)

if TYPE_CHECKING:
    from collections.abc import Callable

BY_REFERENCE: Final[list[tuple[str, Callable[[Any], Any]]]] = [
    ("a webhook", by_reference),
    ("a callback", partial(calling_back, item=False)),
    ("a path item of a callback", partial(calling_back, item=True)),
]
SECURITY: Final[list[Pair]] = [
    Pair("a scope less", secured({"o": ["r", "w"]}), secured({"o": ["w"]}), ADD, "security-less-asked"),
    Pair("a scope more", secured({"o": ["w"]}), secured({"o": ["r", "w"]}), BRK, "security-more-asked"),
    Pair("a scheme more", secured({"k": []}), secured({"k": [], "l": []}), BRK, "security-more-asked"),
    Pair("another scheme", secured({"k": []}), secured({"l": []}), BRK, "security-alternative-removed"),
    Pair("a scheme less", secured({"k": [], "l": []}), secured({"k": []}), ADD, "security-less-asked"),
    Pair("nothing as an alternative", secured({"k": []}), secured({"k": []}, {}), ADD, "security-alternative-added"),
    Pair(
        "a scheme renamed",
        secured({"k": []}),
        secured({"m": []}, schemes=("m", "l"), name="K"),
        DOC,
        "component-renamed",
    ),
    Pair("a scope offered", secured({"o": ["w"]}, scope=""), secured({"o": ["w"]}), ADD, "scopes-added"),
    Pair("a scope no longer offered", secured({"o": ["w"]}), secured({"o": ["w"]}, scope=""), BRK, "scopes-removed"),
    Pair("a scope described", secured({"o": ["r"]}), secured({"o": ["r"]}, scope="Read"), DOC, "text"),
    Pair("credentials asked for", secured(), secured({"k": []}), BRK, "security-asked"),
    Pair("credentials no longer asked for", secured({"k": []}), secured(), ADD, "security-not-asked"),
    Pair("credentials no longer optional", secured({"k": []}, {}), secured({"k": []}), BRK, "security-asked"),
    Pair("no credentials said", secured(), secured({}), DOC, "security-place"),
    Pair("credentials said by the operation", secured({"k": []}), own_list({"k": []}), DOC, "security-place"),
    Pair("a list that no operation uses", own_list({"k": []}), {**own_list({"k": []}), "security": []}, None),
    Pair(
        "another list that no operation uses",
        {**own_list({"k": []}), "security": [{"l": []}]},
        {**own_list({"k": []}), "security": [{"l": [], "k": []}]},
        DOC,
        "security-place",
    ),
    Pair("a header of a key in lower case", scheme(KEY), scheme({**KEY, "name": "x-key"}), DOC, "header-respelled"),
    Pair(
        "a cookie of a key in lower case", scheme(COOKIE), scheme({**COOKIE, "name": "x-key"}), BRK, "security-scheme"
    ),
    Pair("a scheme of HTTP in lower case", scheme(BEARER), scheme({**BEARER, "scheme": "bearer"}), DOC, "text"),
    Pair("the format of a token", scheme(BEARER), scheme({**BEARER, "bearerFormat": "JWT"}), DOC, "text"),
    Pair("a scheme no longer by reference", scheme_by_reference(BEARER), scheme(BEARER), DOC, "document-place"),
    Pair("a scheme by reference", scheme(BEARER), scheme_by_reference(BEARER), DOC, "document-place"),
    Pair(
        "a scheme that no operation uses",
        secured({"k": []}),
        secured({"k": []}, schemes=("k",)),
        DOC,
        "security-scheme-removed",
    ),
    Pair("a scheme that any operation may use", secured(), secured(schemes=("k",)), BRK, "security-scheme-removed"),
    Pair(
        "a way to get a token more", flows(password=FLOW), flows(password=FLOW, other=FLOW), ADD, "security-flow-added"
    ),
    Pair("a way to get a token less", flows(a=FLOW, b=FLOW), flows(a=FLOW), BRK, "security-flow-removed"),
    Pair("a token from elsewhere", flows(a=FLOW), flows(a={**FLOW, "tokenUrl": "https://b"}), BRK, "security-scheme"),
    Pair("tokens can be renewed", flows(a=FLOW), flows(a={**FLOW, "refreshUrl": "/b"}), ADD, "security-flow-added"),
    Pair("an extension of flows", flows(a=FLOW), flows(a=FLOW, **{"x-b": 1}), DOC, "extension"),
    Pair("an extension of a flow", flows(a=FLOW), flows(a={**FLOW, "x-b": 1}), DOC, "extension"),
    # -- credentials with which the API calls --------------------------------------------------------------------------
    Pair("a webhook with credentials", called_with(), called_with({"k": []}), ADD, "call-credentials-stronger"),
    Pair("a webhook without credentials", called_with({"k": []}), called_with(), BRK, "call-credentials"),
    Pair("a webhook with other credentials", called_with({"k": []}), called_with({"l": []}), BRK, "call-credentials"),
    Pair(
        "a webhook with one way more",
        called_with({"k": []}),
        called_with({"k": []}, {"l": []}),
        BRK,
        "call-credentials",
    ),
    Pair(
        "a webhook with one way less",
        called_with({"k": []}, {"l": []}),
        called_with({"k": []}),
        ADD,
        "call-credentials-stronger",
    ),
    Pair(
        "a webhook with more credentials",
        called_with({"o": ["r"]}),
        called_with({"o": ["r", "w"], "k": []}),
        ADD,
        "call-credentials-stronger",
    ),
    Pair("a webhook that says that it has none", called_with(), called_with({}), DOC, "security-place"),
    Pair(
        "a webhook says the document's credentials",
        inheriting(of={"k": []}),
        inheriting({"k": []}, of={"k": []}),
        DOC,
        "security-place",
    ),
    Pair(
        "a webhook without the document's credentials",
        inheriting(of={"k": []}),
        inheriting({}, of={"k": []}),
        BRK,
        "call-credentials",
    ),
    Pair(
        "a webhook with more than the document's credentials",
        inheriting(of={"k": []}),
        inheriting({"k": [], "l": []}, of={"k": []}),
        ADD,
        "call-credentials-stronger",
    ),
    Pair(
        "a webhook with other credentials of the document",
        inheriting(of={"k": []}),
        inheriting(of={"l": []}),
        BRK,
        "call-credentials",
    ),
    Pair(
        "a webhook with more credentials of the document",
        inheriting(of={"k": []}),
        inheriting(of={"k": [], "l": []}),
        ADD,
        "call-credentials-stronger",
    ),
    *(
        pair
        for place, put in BY_REFERENCE
        for pair in (
            Pair(
                f"other credentials of the document, {place} by reference",
                put(inheriting(of={"k": []})),
                put(inheriting(of={"l": []})),
                BRK,
                "call-credentials",
            ),
            Pair(
                f"more credentials of the document, {place} by reference",
                put(inheriting(of={"k": []})),
                put(inheriting(of={"k": [], "l": []})),
                ADD,
                "call-credentials-stronger",
            ),
            Pair(
                f"other credentials of the document, {place} by reference with a list of its own",
                put(inheriting({"k": []}, of={"k": []})),
                put(inheriting({"k": []}, of={"l": []})),
                DOC,
                "security-place",
            ),
        )
    ),
    Pair(
        "other credentials of the document, a webhook by two references",
        by_reference(by_reference(inheriting(of={"k": []}))),
        by_reference(by_reference(inheriting(of={"l": []}))),
        BRK,
        "call-credentials",
    ),
    Pair(
        "a path item of a webhook and of a path",
        of_path(by_reference(inheriting(of={"k": []}))),
        of_path(by_reference(inheriting(of={"l": []}))),
        BRK,
        "call-credentials",
    ),
    Pair(
        "other credentials of the document, a webhook by reference to an extension",
        elsewhere(inheriting(of={"k": []}), "x-calls", "a"),
        elsewhere(inheriting(of={"l": []}), "x-calls", "a"),
        BRK,
        "call-credentials",
    ),
    Pair(
        "other credentials of the document, a path item that is used in part",
        used_in_part(inheriting(of={"k": []})),
        used_in_part(inheriting(of={"l": []})),
        DOC,
        "security-place",
    ),
    Pair(
        "other credentials of the document, a callback that nothing uses",
        in_components("callbacks", "c", calls()["webhooks"], uncalled(inheriting(of={"k": []}))),
        in_components("callbacks", "c", calls()["webhooks"], uncalled(inheriting(of={"l": []}))),
        DOC,
        "security-place",
    ),
    *(
        Pair(
            f"another header of a scheme that no operation asks for, beside {what}",
            open_to_all("X-A", made),
            open_to_all("X-B", made),
            BRK,
            "security-scheme",
        )
        for what, made in (
            ("a webhook with credentials", called_with({"s": []})),
            ("a path item that nothing uses", uncalled(by_reference(called_with({"s": []})))),
        )
    ),
    *(
        Pair(f"another header of {how}", signed("X-A", how=how), signed("X-B", how=how), BRK, "security-scheme")
        for how in ("a webhook", "a callback", "a component")
    ),
    Pair(
        "a webhook by reference",
        inheriting(of={"k": []}),
        by_reference(inheriting(of={"k": []})),
        DOC,
        "component-added",
    ),
    Pair("ways in another order", called_with({"k": []}, {"l": []}), called_with({"l": []}, {"k": []}), None),
]
