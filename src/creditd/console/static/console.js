// What pages cannot do without a script: the reader's time zone, countdowns, copying, and keys. All else is the server's.
"use strict";
(() => {
  const root = document.documentElement;

  // Times are shown by the reader's own clock from the next page on; the first is the sign-in, which shows none.
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone && zone !== root.dataset.zone) {
    const secure = location.protocol === "https:" ? "; secure" : "";
    document.cookie = `creditd-zone=${zone}; path=/; max-age=31536000; samesite=lax${secure}`;
  }

  const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  const tick = () => document.querySelectorAll("[data-left]").forEach((place) => {
    const left = Math.max(0, Number(place.dataset.left) - Math.floor(performance.now() / 1000));
    place.querySelector("b").textContent = clock(left);
    const bar = place.querySelector("progress");
    bar.value = left;
    bar.classList.toggle("low", left < 60);
  });

  addEventListener("DOMContentLoaded", () => {
    tick();
    setInterval(tick, 1000);
  });
  addEventListener("click", (event) => {
    const place = event.target.closest?.("[data-copy]");
    if (place) navigator.clipboard?.writeText(place.dataset.copy);
  });

  let went = 0;
  addEventListener("keydown", (event) => {
    if (event.target.matches?.("input, textarea, select") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/") {
      event.preventDefault();
      document.querySelector(".find input")?.focus();
    } else if (event.key === "g") went = event.timeStamp;
    else if (event.timeStamp - went < 1000) {
      const page = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
      if (page) location.href = page.href;
    }
  });
})();
