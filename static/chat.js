// The page works without this file; with it, it is comfortable. No state lives here
// that the server does not know, except what is typed and not yet sent.
(() => {
  "use strict";

  const RETRY_SECONDS = [1, 2, 4, 8, 15];
  const NEAR_THE_LIMIT = 0.9;
  const HIDDEN_SECONDS = 15;
  const SAID_SECONDS = 1.5;

  const find = (id) => document.getElementById(id);
  /** What is said from here, in the language of the page. */
  const texts = JSON.parse(find("texts")?.textContent ?? "{}");
  const isTouch = matchMedia("(hover: none) and (pointer: coarse)").matches;
  /** Listens under the names of htmx 2 and htmx 4; `detail` is brought to one shape. */
  const onHtmx = (names, act) => {
    for (const name of names) {
      document.addEventListener(name, (event) => act(shapeOf(event), event));
    }
  };
  const shapeOf = ({ detail, target }) => ({
    source: detail.requestConfig?.elt ?? detail.ctx?.sourceElement ?? target,
    status: detail.xhr?.status ?? detail.ctx?.response?.status ?? 0,
  });

  // Signing in gives the browser a new token; a page opened earlier has an old one.
  const renewTokens = () => {
    const token = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1];
    if (!token) return;
    for (const input of document.getElementsByName("csrfmiddlewaretoken")) {
      input.value = token;
    }
  };
  for (const type of ["submit", "click"]) {
    document.addEventListener(type, renewTokens, true);
  }

  // The server speaks of today and yesterday as the person does
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone && !document.cookie.split("; ").includes(`tz=${zone}`)) {
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `tz=${zone}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
  }

  // The composer

  const composer = find("composer");
  const text = find("text");
  const draftKey = `draft:${location.pathname}${location.search.match(/[?&]edit=[^&]*/) ?? ""}`;
  let sent = null; // what is on its way to the server
  let isSpent = false; // nothing was typed since it arrived there

  const stored = (act) => {
    try {
      return act(localStorage);
    } catch {
      return null; // storage may be forbidden; what is kept there is a comfort
    }
  };

  const fit = () => {
    if (CSS.supports("field-sizing", "content")) return;
    text.style.height = "auto";
    text.style.height = `${text.scrollHeight}px`;
  };

  const count = () => {
    const counter = find("counter");
    const limit = Number(counter.dataset.limit);
    const length = [...text.value.trim()].length;
    counter.hidden = length < NEAR_THE_LIMIT * limit;
    counter.classList.toggle("over", length > limit);
    counter.textContent = texts.counter
      .replace("{count}", length.toLocaleString())
      .replace("{limit}", limit.toLocaleString());
  };

  // What is typed would take its share of what the model reads, too.
  const fill = () => {
    const link = find("meter");
    const meter = link?.querySelector("meter");
    if (!meter) return;
    const { tokens, budget } = link.dataset;
    meter.value = Number(tokens) + text.value.length / 4;
    const share = Math.min(1, meter.value / Number(budget));
    const said = link.querySelector(".share");
    if (said) said.textContent = `${Math.round(100 * share)}\u00a0%`;
  };

  const refuse = (message) => {
    find("refusal").textContent = message;
  };

  const typed = () => {
    isSpent = false;
    stored((store) => store.setItem(draftKey, text.value));
    refuse("");
    fit();
    count();
    fill();
  };

  const clear = () => {
    stored((store) => store.removeItem(draftKey));
    text.value = "";
    isSpent = true;
    fit();
    count();
    fill();
  };

  if (composer && text) {
    if (!text.value) text.value = stored((store) => store.getItem(draftKey)) ?? "";
    fit();
    count();
    fill();
    text.addEventListener("input", typed);
    text.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || isTouch) return;
      if (event.isComposing || event.keyCode === 229) return;
      event.preventDefault();
      composer.requestSubmit();
    });
    composer.addEventListener(
      "submit",
      (event) => {
        // A second Enter or click on the way, or just after, asks for nothing new.
        const isAgain = sent !== null && sent === text.value;
        if (!isAgain && !(isSpent && !text.value)) return;
        event.preventDefault();
        event.stopImmediatePropagation();
      },
      true,
    );
    new MutationObserver(() => {
      text.setAttribute("aria-invalid", String(find("refusal").textContent !== ""));
    }).observe(find("refusal"), { childList: true });
  }

  // A prompt on its way is shown at once, as the one before it looks.
  let onItsWay = null;
  const show = (prompt) => {
    const before = [...(messages?.querySelectorAll(".prompt") ?? [])].at(-1);
    const isElsewhere = composer.querySelector(".editing");
    if (!before || isElsewhere || !prompt.trim()) return;
    if (find("counter").matches(".over")) return;
    onItsWay = before.cloneNode(true);
    onItsWay.removeAttribute("id");
    onItsWay.classList.add("sending");
    for (const part of onItsWay.querySelectorAll(".tools, [id]")) part.remove();
    onItsWay.querySelector(".text").textContent = prompt.trim();
    messages.append(onItsWay);
    isStuck = true;
    follow();
  };
  const unshow = () => {
    onItsWay?.remove();
    onItsWay = null;
  };

  onHtmx(["htmx:beforeRequest", "htmx:before:request"], ({ source }) => {
    if (source !== composer) return;
    sent = text.value;
    unshow();
    show(sent);
  });

  onHtmx(["htmx:beforeSwap", "htmx:before:swap"], ({ source }) => {
    if (source === composer) unshow();
  });

  onHtmx(["htmx:afterRequest", "htmx:finally:request"], ({ source, status }) => {
    if (source !== composer || sent === null) return;
    const wasSent = sent;
    sent = null;
    unshow();
    if (status >= 200 && status < 300) {
      if (text.value === wasSent) clear();
      isStuck = true;
      follow();
    } else if (status !== 422 && status !== 429) {
      refuse(texts[status] ?? (status < 500 ? texts.unreachable : texts[500]));
    }
    if (status < 200 || status >= 300) retryPoll();
    if (!isTouch) text.focus({ preventScroll: true });
  });

  // The poller

  let failures = 0;
  let retry = 0;
  const pollNow = () => {
    const poller = find("poller");
    if (poller && !document.hidden) htmx.trigger(poller, "poll-now");
  };
  const retryPoll = () => {
    const seconds = RETRY_SECONDS[Math.min(failures, RETRY_SECONDS.length - 1)];
    // One timer: the watchdog's polls fail too, and must not each begin a row of retries.
    clearTimeout(retry);
    retry = setTimeout(pollNow, 1000 * seconds * (0.8 + 0.4 * Math.random()));
  };

  // A hidden page asks only now and then, and only while a reply is to come.
  let askedAt = 0;
  onHtmx(["htmx:beforeRequest", "htmx:before:request"], ({ source }, event) => {
    if (source.id !== "poller") return;
    const isDue = pending().size > 0 && Date.now() - askedAt > 1000 * HIDDEN_SECONDS;
    if (document.hidden && !isDue) event.preventDefault();
    else askedAt = Date.now();
  });

  // A poll that was set aside for a form of this page is no failure.
  const failed = [
    ...["htmx:sendError", "htmx:timeout", "htmx:responseError"],
    ...["htmx:error", "htmx:response:error"],
  ];
  onHtmx(failed, ({ source, status }, { detail }) => {
    if (detail.errorInfo) return; // htmx 2 tells each of its errors a second time
    const isSetAside = detail.error?.name === "AbortError";
    if (source.id !== "poller" || isSetAside || (status > 0 && status < 500)) return;
    retryPoll();
    failures += 1;
    find("trouble").hidden = failures < 2;
  });

  onHtmx(["htmx:afterRequest", "htmx:after:request"], ({ source, status }) => {
    if (source.id !== "poller" || status < 200 || status >= 500) return;
    failures = 0;
    find("trouble").hidden = true;
  });

  document.addEventListener("visibilitychange", () => {
    find("is-hidden").value = document.hidden ? "1" : "";
    if (document.hidden) return;
    mark(false);
    // What came unseen is seen now: the answer is to everything anew.
    const known = find("poller")?.querySelector("[name=n]");
    if (known) known.value = "";
    pollNow();
  });
  addEventListener("online", pollNow);
  addEventListener("pageshow", (event) => event.persisted && pollNow());

  // The list of conversations: what a person does in it is not swapped away

  const openMenu = () => document.querySelector(".menu[open]");
  const isBusy = (list) => list.querySelector(".menu[open], .rename:not([hidden])");
  const catchUp = () => {
    if (find("poller")?.querySelector("[name=n]").value === "") pollNow();
  };
  document.addEventListener("htmx:oobBeforeSwap", (event) => {
    if (event.target.id !== "conversations" || !isBusy(event.target)) return;
    event.preventDefault();
    // The page lacks something, and asks for it again until it can take it.
    find("poller").querySelector("[name=n]").value = "";
  });
  onHtmx(["htmx:beforeSwap", "htmx:before:swap"], ({ source, status }) => {
    if (status < 200 || status >= 300) return;
    source.closest(".menu")?.removeAttribute("open");
    if (source.matches(".rename")) source.hidden = true;
  });
  onHtmx(["htmx:afterRequest", "htmx:finally:request"], ({ source, status }) => {
    const then = source.dataset?.then;
    if (!then || status < 200 || status >= 300) return;
    document.querySelector(then)?.focus();
  });

  const cancel = (form) => {
    const entry = form.closest(".item")?.querySelector(".entry");
    form.remove();
    entry?.focus();
    catchUp();
  };
  document.addEventListener("focusin", ({ target }) => {
    if (target.matches(".rename .field") && !target.dataset.seen) target.select();
    if (target.matches(".rename .field")) target.dataset.seen = "yes";
  });
  document.addEventListener("click", (event) => {
    const menu = openMenu();
    if (menu && !menu.contains(event.target)) menu.open = false;
    if (!event.target.matches(".item [data-cancel]")) return;
    event.preventDefault();
    cancel(event.target.form ?? event.target.closest("form"));
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const form = event.target.closest?.(".item .rename");
    const menu = openMenu();
    if (!form && !menu) return;
    event.preventDefault(); // on a phone it would close the whole list
    if (form) {
      cancel(form);
    } else {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
  document.addEventListener(
    "toggle",
    ({ target }) => {
      if (!target.matches(".menu")) return;
      if (target.open) target.querySelector(".choices").scrollIntoView({ block: "nearest" });
      else catchUp();
    },
    true,
  );

  // Reading: stay at the end while the reader is there, and nowhere else

  const talk = find("talk");
  const messages = find("messages");
  const newer = find("newer");
  let isStuck = true;
  let height = 0;
  const follow = () => {
    if (!messages) return;
    if (isStuck) talk.scrollTop = talk.scrollHeight;
    else if (talk.scrollHeight > height && pending().size) newer.hidden = false;
    height = talk.scrollHeight;
  };
  if (messages) {
    const look = () => {
      isStuck = talk.scrollHeight - talk.scrollTop - talk.clientHeight < 64;
      if (isStuck) newer.hidden = true;
    };
    height = talk.scrollHeight;
    if (find(location.hash.slice(1))) look();
    talk.addEventListener("scroll", look);
    const observer = new ResizeObserver(follow);
    observer.observe(messages);
    observer.observe(talk);
    newer.addEventListener("click", () => {
      isStuck = true;
      newer.hidden = true;
      follow();
      text?.focus({ preventScroll: true });
    });
  }

  // Who selects text in a reply keeps it: the finished one comes once they let go.
  // (In htmx 4, which has another event, it comes at once.)
  const isSelected = (element) => {
    const selection = getSelection();
    return !selection.isCollapsed && selection.containsNode(element, true);
  };
  document.addEventListener("htmx:oobBeforeSwap", ({ detail }) => {
    const { target, fragment } = detail;
    if (!target.matches(".reply.pending") || !isSelected(target)) return;
    if (fragment.firstElementChild?.matches(".pending")) return; // it did not end
    detail.shouldSwap = false;
    const finished = fragment.firstElementChild;
    target.querySelector(".now")?.remove();
    const swap = () => {
      if (isSelected(target)) return;
      document.removeEventListener("selectionchange", swap);
      target.replaceWith(finished);
      htmx.process(finished);
    };
    document.addEventListener("selectionchange", swap);
  });

  // Words in place of equal words are no news to a screen reader: what was said goes
  const status = find("status");
  let saying = 0;
  if (status) {
    new MutationObserver(() => {
      clearTimeout(saying);
      if (!status.textContent) return;
      saying = setTimeout(() => status.replaceChildren(), 1000 * SAID_SECONDS);
    }).observe(status, { childList: true });
  }

  // Earlier messages come above: what is read stays where it is
  let fromEnd = null;
  onHtmx(["htmx:beforeSwap", "htmx:before:swap"], ({ source }) => {
    fromEnd = source.id === "earlier" ? talk.scrollHeight - talk.scrollTop : null;
  });
  onHtmx(["htmx:afterSwap", "htmx:after:swap"], () => {
    if (fromEnd === null) return;
    talk.scrollTop = talk.scrollHeight - fromEnd;
    height = talk.scrollHeight;
    fromEnd = null;
  });

  // A reply that ends while nobody looks: a mark on the tab, and a word if asked for

  const pending = () =>
    new Set([...document.querySelectorAll(".reply.pending")].map(({ id }) => id));
  const icon = document.querySelector("link[rel=icon]");
  let waited = pending();
  let isMarked = false;
  const plainTitle = () => document.title.replace(/^● /, "");
  const mark = (wanted) => {
    isMarked = wanted;
    document.title = isMarked ? `● ${plainTitle()}` : plainTitle();
    icon.href = isMarked ? icon.dataset.marked : icon.dataset.plain;
  };
  const notify = () => {
    if (!wantsNotice() || Notification.permission !== "granted") return;
    try {
      const about = { body: plainTitle(), tag: location.pathname };
      const notice = new Notification(texts.ready, about);
      notice.addEventListener("click", () => window.focus());
    } catch {
      // Some browsers allow them only from a service worker; the mark is there.
    }
  };
  onHtmx(["htmx:afterSettle", "htmx:after:swap"], () => {
    const now = pending();
    const ended = [...waited].filter((id) => !now.has(id) && find(id));
    waited = now;
    if (text) fill();
    // A poll may bring the title anew.
    if (isMarked) mark(true);
    if (!ended.length || !document.hidden) return;
    mark(true);
    if (ended.some((id) => find(id).matches(".done"))) notify();
  });
  const wantsNotice = () =>
    "Notification" in window && stored((store) => store.getItem("notify")) === "yes";
  const choice = find("notify-me");
  if (choice && "Notification" in window) {
    find("notify").hidden = false;
    choice.checked = wantsNotice() && Notification.permission === "granted";
    choice.addEventListener("change", async () => {
      const answer = choice.checked ? await Notification.requestPermission() : "";
      choice.checked = answer === "granted";
      find("notify-blocked").hidden = answer !== "denied";
      stored((store) => store.setItem("notify", choice.checked ? "yes" : "no"));
    });
  }

  // Copying

  const copy = async (said) => {
    if (navigator.clipboard) return navigator.clipboard.writeText(said);
    // Without HTTPS there is only the old way.
    const field = document.createElement("textarea");
    field.value = said;
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  };
  document.addEventListener("click", async ({ target }) => {
    const button = target.closest?.(".copy");
    if (!button) return;
    const from = button.closest(".code, .said");
    await copy(button.dataset.copy ?? from.querySelector("code, .text").textContent);
    find("status").textContent = texts.copied;
    const use = button.querySelector("use");
    if (!use) return;
    use.setAttribute("href", "#i-check");
    setTimeout(() => use.setAttribute("href", "#i-copy"), 1500);
  });

  // Shortcuts; the sheet under Ctrl+/ lists them

  const shortcuts = {
    "/": () => find("keys").togglePopover(),
    k: () => find("q")?.focus(),
    ".": () => find("stop")?.click(),
  };
  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.altKey) return;
    if (event.key === "Escape" && event.shiftKey) text?.focus();
    const act = (event.ctrlKey || event.metaKey) && !event.shiftKey && shortcuts[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  text?.addEventListener("keydown", (event) => {
    // The last message once more, to be changed
    if (event.key !== "ArrowUp" || text.value) return;
    const last = [...document.querySelectorAll(".prompt:not(:has(+ .held)) .change")].at(-1);
    if (last) location.assign(last.href);
  });

  // A Stop button that went away must not take the keyboard with it
  onHtmx(["htmx:afterRequest", "htmx:finally:request"], ({ source }) => {
    const isStop = source.matches?.("#stop-form, form.stop");
    if (isStop && !isTouch) text?.focus({ preventScroll: true });
  });
})();
