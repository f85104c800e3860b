"use strict";
// On every page: U undoes the last step, and elements marked data-live are fetched again whenever the library has
// changed, without moving the reader.
(() => {
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "u" || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (event.target.matches("input:not([type=checkbox]), select, textarea")) return;
    document.getElementById("undo").requestSubmit();
  });

  const AT_MOST_EVERY = 1000;
  let waiting = false;

  const refresh = async () => {
    waiting = false;
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const focused = document.activeElement && document.activeElement.id;
    for (const part of document.querySelectorAll("[data-live]")) {
      const now = fresh.getElementById(part.id);
      if (now && now.innerHTML !== part.innerHTML) part.replaceChildren(...now.childNodes);
    }
    if (focused && document.activeElement === document.body) {
      const again = document.getElementById(focused);
      if (again) again.focus({ preventScroll: true });
    }
  };

  if (!document.querySelector("[data-live]")) return;
  const events = new EventSource(`${document.body.dataset.base}/events?seen=${document.body.dataset.state}`);
  events.addEventListener("changed", () => {
    if (waiting) return;
    waiting = true;
    setTimeout(() => refresh().catch(() => {}), AT_MOST_EVERY);
  });
  // A page left behind would keep one of the browser's six connections.
  addEventListener("pagehide", () => events.close());
  addEventListener("pageshow", (event) => event.persisted && location.reload());
})();
