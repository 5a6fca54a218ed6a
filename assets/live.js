// A tab of a live session: it asks what is new there, and shows what the presenter's page shows. See
// perturber/ui/callbacks/live.py, which also says who presents.
(function () {
    const [PAUSE_MS, LONG_MS, LOST_MS] = [60, 500, 1000]; // after news; a question that has waited; without an answer
    const LOST = "The server does not answer; trying again …";
    const dash = (window.dash_clientside = window.dash_clientside || {});
    let [asking, since, path] = [null, 0, null]; // path: where the tab has gone with the presenter

    const live = (window.perturber.live = {
        seat: null, // of this tab
        page: null, // with a scene, that was opened last
        follows: () => Boolean(live.seat && !live.seat.presents && !live.seat.away),
        leave: () => live.follows() && sit({ ...live.seat, away: true }),
    });

    function sit(seat) {
        const followed = live.follows();
        dash.set_props("live-seat", { data: (live.seat = seat) });
        asking?.abort();
        [asking, since, path] = [new AbortController(), 0, null];
        if (seat) ask(asking.signal);
        if (live.page?.alive && live.follows()) live.page.seen = 0;
        else if (live.page?.alive && followed && !live.page.wanted) live.page.offer();
    }

    async function ask(signal) {
        while (!signal.aborted) {
            if (live.follows() && path && location.pathname !== path) return live.leave();
            const [begun, page] = [performance.now(), live.page?.alive && live.page];
            const body = JSON.stringify({ ...live.seat, since, page: page?.facts?.path ?? "", seen: page?.seen ?? 0 });
            const sent = { method: "POST", headers: { "Content-Type": "application/json" }, body, signal };
            const response = await fetch("/live", sent).catch(() => null);
            const told = response?.status === 204 ? null : await response?.json().catch(() => null);
            if (signal.aborted) return;
            if (response?.ok && told) take(told);
            else if (!response?.ok) [since] = [0, dash.set_props("live-words", { children: told?.error ?? LOST })];
            const pause = !response?.ok ? LOST_MS : !told && performance.now() - begun > LONG_MS ? 0 : PAUSE_MS;
            if (pause) await new Promise((go) => setTimeout(go, pause));
        }
    }

    function take({ since: number, seat, bar, place, shown, wanted }) {
        since = number;
        if (seat) dash.set_props("live-seat", { data: (live.seat = { ...live.seat, ...seat }) });
        bar?.forEach(({ id, props }) => dash.set_props(id, props));
        path = place?.[0] ?? (shown ? live.page.facts.path : path);
        if (place && location.pathname !== path) {
            history.pushState({}, "", `${path}?${place[1]}`);
            dispatchEvent(new PopStateEvent("popstate")); // Dash's pages listen to it
        }
        if (shown && live.page.alive) live.page.shows(shown);
        if (wanted) live.page?.offer();
    }

    // Another seat, or what the bar shows without one.
    dash.live = {
        sit(seat, idle) {
            if (JSON.stringify(seat ?? null) !== JSON.stringify(live.seat)) sit(seat);
            if (!live.seat) idle?.forEach(({ id, props }) => dash.set_props(id, props));
            return dash.no_update;
        },
    };
})();
