// A tab of a live session: it asks what is new there, and shows what the presenter's page shows, or tells what its own
// page does. See perturber/ui/callbacks/live.py.
(function () {
    const [PAUSE_MS, LONG_MS, LOST_MS] = [60, 500, 1000]; // after news; a question that has waited; without an answer
    const LOST = "The server does not answer; trying again …";
    const dash = (window.dash_clientside = window.dash_clientside || {});
    let [asking, since, path] = [null, 0, null]; // path: where it has gone with the presenter

    const live = (window.perturber.live = {
        seat: null, // of this tab
        page: null, // with a scene, that is open
        get follows() {
            return Boolean(live.seat && !live.seat.presents && !live.seat.away);
        },
        // What a page's requests carry.
        get told() {
            return live.follows || live.seat?.presents ? live.seat : null;
        },
        leave: () => live.follows && sit({ ...live.seat, away: true }),
    });

    function sit(seat) {
        const followed = live.follows;
        dash.set_props("live-seat", { data: (live.seat = seat) });
        asking?.abort();
        [asking, since, path] = [new AbortController(), 0, null];
        if (seat) ask(asking.signal);
        if (live.page?.alive && live.follows) live.page.seen = 0;
        else if (live.page?.alive && followed && !live.page.wanted) live.page.offer();
    }

    async function ask(signal) {
        while (!signal.aborted) {
            if (live.follows && path && location.pathname !== path) return live.leave();
            const [begun, page] = [performance.now(), live.page?.alive ? live.page : { facts: { path: "" }, seen: 0 }];
            const body = JSON.stringify({ ...live.seat, since, page: page.facts.path, seen: page.seen });
            const sent = { method: "POST", headers: { "Content-Type": "application/json" }, body, signal };
            const response = await fetch("/live", sent).catch(() => null);
            const told = response?.status === 204 ? null : await response?.json().catch(() => null);
            if (signal.aborted) return;
            if (response?.ok && told) take(told);
            else if (!response?.ok) [since] = [0, dash.set_props("live-words", { children: told?.error ?? LOST })];
            const waited = response?.ok && !told && performance.now() - begun > LONG_MS;
            if (!waited) await new Promise((go) => setTimeout(go, response?.ok ? PAUSE_MS : LOST_MS));
        }
    }

    function take({ since: number, seat, bar, place, shown, wanted }) {
        since = number;
        if (seat) dash.set_props("live-seat", { data: (live.seat = { ...live.seat, ...seat }) });
        bar?.forEach(({ id, props }) => dash.set_props(id, props));
        if (place || shown) path = place ? place[0] : live.page.facts.path;
        if (place && location.pathname !== path) {
            history.pushState({}, "", `${path}?${place[1]}`);
            dispatchEvent(new PopStateEvent("popstate")); // Dash's pages listen to it
        }
        if (shown && live.page.alive) live.page.shows(shown);
        if (wanted) live.page?.offer();
    }

    dash.live = {
        // The seat is another one, or one of the buttons was pressed; an address may say whom to follow.
        sit(seat, follow, away, idle, opened) {
            const pressed = dash.callback_context.triggered.find(({ value }) => typeof value === "number")?.prop_id;
            const [, session] = location.hash.match(/^#follow=(\w+)$/) || [];
            const fresh = { session: session || opened?.id, token: "", presents: false, away: false };
            if (session && session !== live.seat?.session) sit(fresh);
            else if (pressed === "live-follow.n_clicks" && follow) sit({ ...(live.seat || fresh), away: false });
            else if (pressed === "live-away.n_clicks" && away) live.leave();
            else if (!pressed && JSON.stringify(seat) !== JSON.stringify(live.seat)) sit(seat);
            if (!live.seat) idle?.forEach(({ id, props }) => dash.set_props(id, props));
            return dash.no_update;
        },
    };
})();
