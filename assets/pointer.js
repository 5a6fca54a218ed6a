// Gestures on the scene become changes of the camera's parameters.
window.perturber = window.perturber || {};

(function () {
    "use strict";

    const TURN = 0.4; // degrees a pixel
    const KEYS = { ArrowLeft: [-5, 0], ArrowRight: [5, 0], ArrowUp: [0, -5], ArrowDown: [0, 5] };
    const DOLLY = { "+": 0.9, "-": 1 / 0.9 };
    const tidy = (value) => Number(value.toFixed(4));

    // page: its name; camera: field of view, limits and start of each parameter; get(): the scene; set(values)
    window.perturber.listenToPointer = function (page, camera, get, set) {
        const element = document.querySelector(`#${page}-stage .pointer`);
        const within = (key, value) => tidy(Math.min(camera.limits[key][1], Math.max(camera.limits[key][0], value)));
        const turn = (dx, dy) => {
            const { yaw, pitch } = get();
            set({ yaw: tidy(((yaw + dx + 540) % 360) - 180), pitch: within("pitch", pitch - dy) });
        };
        const move = (dx, dy) => {
            const { pan_x: x, pan_y: y, distance } = get();
            const angle = (camera.fieldOfView * Math.PI) / 360;
            const perPixel = (2 * Math.tan(angle) * distance) / element.clientHeight;
            set({ pan_x: within("pan_x", x + dx * perPixel), pan_y: within("pan_y", y - dy * perPixel) });
        };
        const dolly = (factor) => set({ distance: within("distance", get().distance * factor) });
        drags(element, (dx, dy, pan) => (pan ? move(dx, dy) : turn(TURN * dx, TURN * dy)));
        element.addEventListener("dblclick", () => set(camera.start));
        const wheel = (event) => {
            event.preventDefault();
            dolly(Math.exp(Math.min(200, Math.max(-200, event.deltaY)) * 0.001));
        };
        element.addEventListener("wheel", wheel, { passive: false });
        element.addEventListener("keydown", (event) => {
            if (!(event.key in KEYS) && !(event.key in DOLLY)) return;
            event.preventDefault();
            if (event.key in KEYS) turn(...KEYS[event.key]);
            else dolly(DOLLY[event.key]);
        });
    };

    // moved(dx, dy, pan): in pixels; pan with Shift or the middle button
    function drags(element, moved) {
        let last = null;
        element.addEventListener("pointerdown", (event) => {
            if (event.button > 1) return;
            event.preventDefault();
            element.focus();
            element.setPointerCapture(event.pointerId);
            last = { x: event.clientX, y: event.clientY, pan: event.button === 1 || event.shiftKey };
        });
        element.addEventListener("pointermove", ({ clientX: x, clientY: y }) => {
            if (!last) return;
            moved(x - last.x, y - last.y, last.pan);
            last = { ...last, x, y };
        });
        for (const end of ["pointerup", "pointercancel"]) element.addEventListener(end, () => (last = null));
        element.addEventListener("auxclick", (event) => event.preventDefault());
    }
})();
