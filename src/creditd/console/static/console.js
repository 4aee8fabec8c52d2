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

  // What a page shows is asked for anew, by the page itself: where something has moved, or every so many seconds. What
  // somebody is about to use stays as it is, and nothing is replaced while the connection is lost.
  const lost = (is) => document.getElementById("lost")?.toggleAttribute("hidden", !is);
  const isInUse = (part) => part.contains(document.activeElement) && document.activeElement !== part
    || part.querySelector("details[open]");
  let asking = false, movedMeanwhile = false;
  const renew = async () => {
    if (document.hidden) return;
    // What moves while the page asks may not be in the answer: it asks once more.
    if (asking) {
      movedMeanwhile = true;
      return;
    }
    asking = true;
    try {
      const answer = await fetch(location.href, { headers: { "x-by-itself": "1" }, redirect: "manual" });
      // Somebody has to sign in again, and is led back here.
      if (answer.type === "opaqueredirect") return location.reload();
      if (!answer.ok) return lost(true);
      const anew = new DOMParser().parseFromString(await answer.text(), "text/html");
      document.querySelectorAll("[data-live]").forEach((part) => {
        const next = anew.getElementById(part.id);
        if (next && !isInUse(part) && part.innerHTML !== next.innerHTML) part.innerHTML = next.innerHTML;
      });
      root.dataset.at = performance.now();
      lost(false);
      tick();
    } catch {
      lost(true);
    } finally {
      asking = false;
      if (movedMeanwhile) {
        movedMeanwhile = false;
        renew();
      }
    }
  };

  // A stream says that something has moved. It is closed while nobody sees the page, as a browser has few connections for
  // all pages of a site; and it is asked for again where it was refused, which a browser does not do by itself.
  const followed = (path) => {
    let events, missing, later;
    // What a page shows that was just made need not be asked for.
    let isAnew = !document.hidden;
    const leave = () => {
      events?.close();
      clearTimeout(missing);
      clearTimeout(later);
      missing = undefined;
      isAnew = false;
    };
    const follow = () => {
      if (document.hidden) return;
      events = new EventSource(path);
      events.addEventListener("moved", renew);
      // It ends every so often, and is open again a moment later; what has moved meanwhile is asked for then.
      events.addEventListener("error", () => {
        isAnew = false;
        if (events.readyState !== EventSource.CLOSED) missing ??= setTimeout(() => lost(true), 5000);
        else later = setTimeout(() => { renew(); follow(); }, 5000);
      });
      events.addEventListener("open", () => {
        if (!isAnew) renew();
        isAnew = false;
        clearTimeout(missing);
        missing = undefined;
      });
    };
    const begin = () => {
      leave();
      follow();
    };
    follow();
    addEventListener("visibilitychange", begin);
    addEventListener("pagehide", leave);
    addEventListener("pageshow", (event) => { if (event.persisted) begin(); });
  };

  const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  // How long ago something was grows while a page is open. The steps are those of reader.py.
  const ages = () => {
    const words = document.querySelector("main")?.dataset.ages?.split("|");
    document.querySelectorAll("[data-age]").forEach((place) => {
      place.since ??= performance.now() - place.dataset.age * 1000;
      const seconds = Math.floor((performance.now() - place.since) / 1000);
      const step = [60, 7200, 172800, Infinity].findIndex((below) => seconds < below);
      const said = words[step].replace("{count}", Math.floor(seconds / [60, 60, 3600, 86400][step]));
      if (place.textContent !== said) place.textContent = said;
    });
  };
  const tick = () => {
    ages();
    left();
  };
  const left = () => document.querySelectorAll("[data-left]").forEach((place) => {
    const left = Math.max(0, Number(place.dataset.left) - Math.floor((performance.now() - (root.dataset.at ?? 0)) / 1000));
    place.querySelector("b").textContent = clock(left);
    const bar = place.querySelector("progress");
    bar.value = left;
    bar.classList.toggle("low", left < 60);
  });

  addEventListener("DOMContentLoaded", () => {
    tick();
    setInterval(tick, 1000);
    const { stream, again } = document.querySelector("main")?.dataset ?? {};
    if (again) {
      setInterval(renew, again * 1000);
      addEventListener("visibilitychange", renew);
    }
    if (stream) followed(stream);
  });

  // A second click would lose what the answer to the first shows once, such as a key. After a while it counts again, for
  // whoever has stopped the page.
  let sent, sentAt;
  addEventListener("submit", (event) => {
    const form = event.target;
    if (form.getAttribute("method") !== "post" || event.submitter?.hasAttribute("formaction")) return;
    if (form === sent && event.timeStamp - sentAt < 15000) return event.preventDefault();
    sent = form;
    sentAt = event.timeStamp;
  });
  addEventListener("pageshow", () => { sent = undefined; });

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
