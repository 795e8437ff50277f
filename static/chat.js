// The page works without this file; with it, it is comfortable. No state lives here
// that the server does not know, except what is typed and not yet sent.
(() => {
  "use strict";

  // Trusted Types: htmx may write HTML of this site, in which the policy of the page
  // lets nothing run. Nothing else may become script: no text, no address.
  globalThis.trustedTypes?.createPolicy("default", { createHTML: (html) => html });

  const RETRY_SECONDS = [1, 2, 4, 8, 15];
  const NEAR_THE_LIMIT = 0.9;
  const HIDDEN_SECONDS = 15;
  const SAID_SECONDS = 1.5;
  const SPENT_KEYS = 50;
  // A browser lays out a whole text at each key: of a million characters, for seconds.
  const HUGE_LIMITS = 8;
  const DRAFTS_KEPT = 100;
  const DRAFT_DAYS = 90;
  /** Open tabs answer within this time; the drafts of those that do not are free. */
  const TABS_ANSWER_SECONDS = 0.3;

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
  /** Where an answer sends the page, if anywhere. */
  const redirectOf = ({ xhr, ctx }) =>
    xhr?.getResponseHeader("HX-Redirect") ??
    ctx?.response?.headers.get("HX-Redirect");

  // Sites on one host share cookies, and sites under one origin share storage: the
  // page says which names are this site's own.
  const { site, earlierSites, tokenCookie, zoneCookie } = document.body.dataset;
  const cookie = (name) =>
    document.cookie
      .split("; ")
      .find((one) => one.startsWith(`${name}=`))
      ?.slice(name.length + 1);

  // Signing in gives the browser a new token; a page opened earlier has an old one.
  const renewTokens = () => {
    const token = cookie(tokenCookie);
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
  if (zone && cookie(zoneCookie) !== zone) {
    const secure = location.protocol === "https:" ? "; Secure" : "";
    const life = `Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
    document.cookie = `${zoneCookie}=${zone}; ${life}`;
  }

  // The composer

  const composer = find("composer");
  const text = find("text");
  const begun = location.search.match(/[?&](edit|text)=[^&]*/)?.[0] ?? "";
  // Drafts are somebody's own: whoever uses this browser next is shown none of theirs.
  const person = composer?.dataset.person;
  const here = location.pathname + begun;
  const draftName = (path, whom = person) => `draft:${whom ? `@${whom}:` : ""}${path}`;
  let onItsWay = null; // what the server has not yet answered to
  const afterIt = []; // what was sent meanwhile, in order
  let next = null; // the first of those, as it is sent
  let isSpent = false; // nothing was typed since it arrived there
  let leavingFor = ""; // the page to which the answer leads
  let usedKey = "";

  const stored = (act) => {
    try {
      return act(localStorage);
    } catch {
      return null; // storage may be forbidden; what is kept there is a comfort
    }
  };

  /** Where this site stores, and where it did earlier: under another key, or none. */
  const earlierPlaces = [...earlierSites.split(" ").map((one) => `${one}:`), ""];
  const isOurs = (key, name) =>
    [`${site}:`, ...earlierPlaces].some((place) => key.startsWith(place + name));
  /** What is stored for this site, moved to its place if it stands at an earlier one. */
  const storedFor = (name) =>
    stored((store) => {
      for (const place of earlierPlaces) {
        const found = store.getItem(place + name);
        if (!found || store.getItem(`${site}:${name}`)) continue;
        store.setItem(`${site}:${name}`, found);
        store.removeItem(place + name);
      }
      return store.getItem(`${site}:${name}`);
    });

  const newKey = () =>
    [...crypto.getRandomValues(new Uint8Array(16))]
      .map((byte) => byte.toString(16).padStart(2, "0"))
      .join("");

  // Drafts: each tab has an id and stores its drafts under it, so that no tab overwrites
  // or removes what was typed in another one. `#` occurs in no path.

  let tab = stored(() => sessionStorage.getItem("tab")) ?? newKey();
  const keepTab = () => stored(() => sessionStorage.setItem("tab", tab));
  keepTab();
  const draftOf = (path) => `${site}:${draftName(path)}#${tab}`;
  const writeDraft = (key, said) =>
    stored((store) => store.setItem(key, JSON.stringify({ at: Date.now(), text: said })));
  /** A stored draft: its text, and when it was typed. Null if it is none. */
  const parseDraft = (raw) => {
    try {
      const { at, text } = JSON.parse(raw);
      return { at, text };
    } catch {
      return null;
    }
  };
  /** This tab's draft under a name. One stored before tabs had ids becomes this tab's. */
  const readDraft = (name) => {
    const own = parseDraft(storedFor(`${name}#${tab}`))?.text;
    const untabbed = own ? null : storedFor(name);
    if (!untabbed) return own;
    writeDraft(`${site}:${name}#${tab}`, untabbed);
    stored((store) => store.removeItem(`${site}:${name}`));
    return untabbed;
  };
  /** Stored drafts whose names begin so, the newest first. */
  const draftsNamed = (beginning) =>
    stored((store) =>
      Object.keys(store)
        .filter((key) => isOurs(key, beginning))
        .map((key) => ({ key, at: 0, ...parseDraft(store.getItem(key)) }))
        .sort((one, other) => other.at - one.at),
    ) ?? [];
  const removeDrafts = (drafts) =>
    stored((store) => drafts.forEach(({ key }) => store.removeItem(key)));
  const removeOldDrafts = () => {
    const oldest = Date.now() - 1000 * 86400 * DRAFT_DAYS;
    const isOld = ({ at }, place) => place >= DRAFTS_KEPT || at < oldest;
    const ofTabs = draftsNamed("draft:").filter(({ key }) => key.includes("#"));
    removeDrafts(ofTabs.filter(isOld));
  };

  // Tabs ask each other for their ids: which are open, and whether one is taken, since a
  // duplicated tab begins with a copy of the other's session storage.
  const pageId = newKey();
  const openTabs = new Set();
  let channel = null;
  const answerTabs = ({ data }) => {
    if (data.from) channel.postMessage({ to: data.from, tab });
    if (data.to !== pageId) return;
    if (data.tab === tab) renewTab();
    openTabs.add(data.tab);
  };
  const joinTabs = () => {
    if (!("BroadcastChannel" in globalThis)) return;
    channel = new BroadcastChannel(`${site}:tabs`);
    channel.addEventListener("message", answerTabs);
    channel.postMessage({ from: pageId });
  };
  const renewTab = () => {
    const wasStored = stored((store) => store.getItem(draftOf(here)));
    tab = newKey();
    keepTab();
    if (wasStored) keepDraft();
  };
  joinTabs();
  // A page that the browser keeps for its Back button must not listen.
  addEventListener("pagehide", () => channel?.close());
  addEventListener("pageshow", ({ persisted }) => persisted && joinTabs());

  /** Puts the newest draft of a closed tab into the box, unless it is in use by now. */
  const adoptDraft = (before) => {
    const isUsed = onItsWay !== null || isSpent || leavingFor || text.value !== before;
    if (isUsed || (before && !begun)) return;
    const isFree = ({ key, text: said }) =>
      said && !openTabs.has(key.slice(key.indexOf("#") + 1));
    const found = [draftName(here), draftName(here, "")]
      .flatMap((name) => draftsNamed(`${name}#`))
      .find(isFree);
    if (!found) return;
    removeDrafts([found]);
    text.value = found.text;
    keepDraft();
    changed();
  };

  const fit = () => {
    if (CSS.supports("field-sizing", "content")) return;
    text.style.height = "auto";
    text.style.height = `${text.scrollHeight}px`;
  };

  /** A message as the server keeps it: line feeds, and no blank lines around it. */
  const asKept = (said) =>
    said
      .replace(/\r\n?|[\v\f\x1c-\x1e\x85\u2028\u2029]/g, "\n")
      .replace(/^(?:[^\S\n]*\n)+/, "")
      .trimEnd();

  /** Characters as the server counts them: a pair of surrogates is one. */
  const lengthOf = (said) =>
    said.length - (said.match(/[\ud800-\udbff][\udc00-\udfff]/g)?.length ?? 0);
  const limit = Number(find("counter")?.dataset.limit);
  const worded = (message, length) =>
    message
      .replace("{count}", length.toLocaleString())
      .replace("{limit}", limit.toLocaleString())
      .replace("{over}", (length - limit).toLocaleString());

  const count = () => {
    const counter = find("counter");
    const length = lengthOf(asKept(text.value));
    text.classList.toggle("long", length > limit);
    counter.hidden = length < NEAR_THE_LIMIT * limit;
    counter.classList.toggle("over", length > limit);
    counter.textContent = worded(texts.counter, length);
  };

  /** Whether a message is refused here and now: the box keeps it, and nothing is sent. */
  const isRefused = () => {
    const length = lengthOf(asKept(text.value));
    if (length > limit) refuse(worded(texts["too-long"], length));
    return length > limit;
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

  // Until the server has it, the draft holds all that was typed.
  const unsent = () =>
    [onItsWay, ...afterIt, text.value].filter((part) => part?.trim()).join("\n");
  const dropDraft = () => stored((store) => store.removeItem(draftOf(here)));
  const keepDraft = (key = draftOf(here)) => {
    const all = unsent();
    if (!all) return dropDraft();
    writeDraft(key, all); // where the storage is full, the older one stays
  };

  // A guest whose cookie is lost goes on at the first page with what they typed.
  const takeDraftAlong = () => {
    const first = draftOf(document.body.dataset.home);
    const draft = readDraft(draftName(here));
    if (!draft || first === draftOf(here)) return;
    const there = stored((store) => parseDraft(store.getItem(first))?.text);
    writeDraft(first, [there, draft].filter(Boolean).join("\n"));
    dropDraft();
  };

  // A key names one message for good: the same words once more are another one.
  const spentKeysName = `${site}:spent-keys`;
  const spentKeys = () =>
    JSON.parse(stored(() => sessionStorage.getItem(spentKeysName)) ?? "[]");
  const spend = (key) => {
    const keys = JSON.stringify([...spentKeys(), key].slice(-SPENT_KEYS));
    stored(() => sessionStorage.setItem(spentKeysName, keys));
  };

  const changed = () => {
    fit();
    count();
    fill();
  };

  const typed = () => {
    isSpent = false;
    keepDraft();
    refuse("");
    changed();
  };

  // The box is free for the next message at once.
  const takeOut = () => {
    const said = text.value;
    text.value = "";
    changed();
    return said;
  };

  const putBack = () => {
    text.value = unsent();
    onItsWay = null;
    afterIt.length = 0;
    keepDraft();
    changed();
  };

  const sendNext = () => {
    if (onItsWay !== null || !afterIt.length) return;
    next = afterIt.shift();
    composer.requestSubmit();
  };

  if (composer && text) {
    let draft = readDraft(draftName(here));
    if (person && !draft) {
      // A guest who logged in a moment ago goes on with what they typed.
      draft = readDraft(draftName(here, ""));
      if (draft) writeDraft(draftOf(here), draft);
      stored((store) => store.removeItem(`${site}:${draftName(here, "")}#${tab}`));
    }
    if (draft && (begun || !text.value)) text.value = draft;
    removeOldDrafts();
    // A page loaded again shows what it showed: closed tabs leave theirs to a new one.
    const [navigation] = performance.getEntriesByType("navigation");
    if (!draft && navigation?.type === "navigate") {
      setTimeout(adoptDraft, 1000 * TABS_ANSWER_SECONDS, text.value);
    }
    changed();
    text.addEventListener("input", typed);
    composer.querySelector(".editing a")?.addEventListener("click", () => {
      dropDraft();
    });
    text.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || isTouch) return;
      if (event.isComposing || event.keyCode === 229) return;
      event.preventDefault();
      composer.requestSubmit();
    });
    composer.addEventListener(
      "submit",
      (event) => {
        if (next !== null) return;
        if (isRefused()) {
          event.preventDefault();
          event.stopImmediatePropagation();
          return;
        }
        const isFree = onItsWay === null && !leavingFor;
        if (isFree && (text.value || !isSpent)) return;
        // One after the other: each has a key of its own, which the answer brings.
        if (text.value.trim()) afterIt.push(takeOut());
        show();
        // A second Enter or click just after asks for nothing new, either.
        event.preventDefault();
        event.stopImmediatePropagation();
      },
      true,
    );
    addEventListener("pagehide", () => {
      if (!leavingFor) return;
      // What was typed since belongs to the page that comes.
      dropDraft();
      if (unsent()) keepDraft(draftOf(leavingFor));
    });
    addEventListener("pageshow", () => {
      leavingFor = "";
      // The Back button may show a page as it was before its message was sent.
      if (spentKeys().includes(find("key").value)) find("key").value = newKey();
    });
    new MutationObserver(() => {
      text.setAttribute("aria-invalid", String(find("refusal").textContent !== ""));
    }).observe(find("refusal"), { childList: true });
  }

  // What comes at once and is far too long for any field is not put into it: it is still
  // where it comes from, and what was typed before stays.
  document.addEventListener("beforeinput", (event) => {
    const said = event.data ?? event.dataTransfer?.getData("text/plain") ?? "";
    if (!limit || !event.cancelable || said.length <= HUGE_LIMITS * limit) return;
    event.preventDefault();
    const message = event.target === text ? "pasted-too-long" : "pasted-elsewhere";
    refuse(worded(texts[message], lengthOf(said)));
  });

  // A browser that lost the cookie of a session may keep what its person typed.
  const draftsKept = find("drafts-kept");
  if (draftsKept?.hidden) draftsKept.hidden = !draftsNamed("draft:@").length;

  // Logging out removes the account's drafts. Erasing everything removes all of them, once
  // it is done: a wrong password erases nothing, and neither does a link to that page.
  document.addEventListener("submit", ({ target }) => {
    const [, act] = target.action.match(/\/account\/(log-out|erase)\/$/) ?? [];
    if (act === "log-out") removeDrafts(draftsNamed("draft:@"));
    if (act === "erase") stored(() => sessionStorage.setItem("erasing", "yes"));
  });
  if (stored(() => sessionStorage.getItem("erasing"))) {
    stored(() => sessionStorage.removeItem("erasing"));
    if (find("erased")) removeDrafts(draftsNamed("draft:"));
  }

  // Prompts on their way are shown at once.
  const show = () => {
    unshow();
    if (composer.querySelector(".editing")) return;
    for (const said of [onItsWay, ...afterIt]) {
      if (!said?.trim()) continue;
      const prompt = find("sending").content.cloneNode(true);
      prompt.querySelector(".text").textContent = asKept(said);
      messages.append(prompt);
    }
    isStuck = true;
    follow();
  };
  const unshow = () => {
    for (const prompt of document.querySelectorAll(".prompt.sending")) prompt.remove();
  };

  onHtmx(["htmx:configRequest", "htmx:config:request"], ({ source }, { detail }) => {
    if (source !== composer) return;
    onItsWay = next ?? takeOut();
    next = null;
    const body = detail.formData ?? detail.ctx.request.body;
    body.set("text", onItsWay);
    usedKey = body.get("key");
    show();
  });

  onHtmx(["htmx:beforeSwap", "htmx:before:swap"], ({ source }) => {
    if (source === composer) unshow();
  });

  onHtmx(["htmx:beforeOnLoad", "htmx:after:request"], ({ source }, { detail }) => {
    if (source !== composer) return;
    const to = redirectOf(detail);
    if (!to) return;
    const page = new URL(to, location).pathname;
    if (!page.startsWith(`${document.body.dataset.home}c/`)) return putBack(); // asked to log in first
    spend(usedKey);
    leavingFor = page;
    onItsWay = null;
  });

  onHtmx(["htmx:afterRequest", "htmx:finally:request"], ({ source, status }) => {
    if (source !== composer || leavingFor) return;
    if (status >= 200 && status < 300) {
      spend(usedKey);
      onItsWay = null;
      isSpent = true;
      keepDraft();
      setTimeout(sendNext);
    } else {
      putBack();
    }
    show();
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
    if (detail.error?.name === "AbortError") return;
    if (source.id !== "poller") complain(source, status);
    if (source.id !== "poller" || (status > 0 && status < 500)) return;
    retryPoll();
    failures += 1;
    find("trouble").hidden = failures < 2;
  });

  onHtmx(["htmx:beforeRequest", "htmx:before:request"], ({ source }) => {
    if (source.matches("form, button")) refuse("");
  });
  const complain = (source, status) => {
    const kind = source === composer ? "" : "act-";
    const alike = status < 500 ? 400 : 500;
    refuse(texts[kind + (status || "unreachable")] ?? texts[kind + alike]);
  };
  // What a person does sets a poll aside; where it failed, no other one came with it.
  onHtmx(["htmx:afterRequest", "htmx:finally:request"], ({ source, status }) => {
    if (source.id !== "poller" && (status < 200 || status >= 300)) retryPoll();
  });

  onHtmx(["htmx:afterRequest", "htmx:after:request"], ({ source, status }) => {
    if (source.id !== "poller" || status < 200 || status >= 500) return;
    failures = 0;
    find("trouble").hidden = true;
  });

  document.addEventListener("visibilitychange", () => {
    const field = find("is-hidden");
    if (field) field.value = document.hidden ? "1" : "";
    if (document.hidden) return;
    mark(false);
    // What came unseen is seen now: the answer is to everything anew.
    const known = find("poller")?.querySelector("[name=n]");
    if (known) known.value = "";
    pollNow();
  });
  addEventListener("online", pollNow);
  addEventListener("pageshow", (event) => event.persisted && pollNow());

  // Who was logged out may not read on: nor where the browser keeps the page for Back.
  onHtmx(["htmx:beforeOnLoad", "htmx:after:request"], ({ status }, { detail }) => {
    const to = status === 404 && redirectOf(detail);
    if (!to) return;
    document.body.hidden = true;
    if (to.endsWith("?ended=guest")) takeDraftAlong();
  });

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
    // A second click on the way brings a second form.
    if (source.matches(".choices a")) source.closest(".item").querySelector(".rename")?.remove();
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
    "Notification" in window && storedFor("notify") === "yes";
  const choice = find("notify-me");
  if (choice && "Notification" in window) {
    find("notify").hidden = false;
    choice.checked = wantsNotice() && Notification.permission === "granted";
    choice.addEventListener("change", async () => {
      const answer = choice.checked ? await Notification.requestPermission() : "";
      choice.checked = answer === "granted";
      find("notify-blocked").hidden = answer !== "denied";
      stored((store) => store.setItem(`${site}:notify`, choice.checked ? "yes" : "no"));
    });
  }

  // Copying

  const copyTheOldWay = (said) => {
    const before = document.activeElement;
    const field = document.createElement("textarea");
    field.value = said;
    document.body.append(field);
    field.select();
    try {
      return document.execCommand("copy");
    } catch {
      return false;
    } finally {
      field.remove();
      before?.focus({ preventScroll: true });
    }
  };
  const copy = async (said) => {
    try {
      await navigator.clipboard.writeText(said);
      return true;
    } catch {
      // Without HTTPS there is no clipboard, and a person may have refused it.
      return copyTheOldWay(said);
    }
  };
  document.addEventListener("click", async ({ target }) => {
    const button = target.closest?.(".copy");
    if (!button) return;
    const from = button.closest(".code, .said, .reply")?.querySelector("code, .text");
    if (!(await copy(button.dataset.copy ?? from.textContent))) {
      if (from) getSelection().selectAllChildren(from);
      (find("refusal") ?? find("status")).textContent = texts["not-copied"];
      return;
    }
    find("status").textContent = texts.copied;
    const use = button.querySelector("use");
    if (!use) return;
    use.setAttribute("href", "#i-check");
    setTimeout(() => use.setAttribute("href", "#i-copy"), 1500);
  });

  // What is selected in code or in a message is copied letter for letter: a browser would
  // put spaces for those that do not break, and colours.
  document.addEventListener("copy", (event) => {
    const selected = getSelection();
    if (selected.isCollapsed || selected.rangeCount !== 1) return;
    const range = selected.getRangeAt(0).cloneRange();
    const around = range.commonAncestorContainer;
    const box = around.nodeType === Node.ELEMENT_NODE ? around : around.parentElement;
    const code = box.closest(".md .code")?.querySelector("code");
    if (code) {
      // The selection may begin or end beside the code, at its label or its edge.
      if (range.comparePoint(code, 0) === 0) range.setStart(code, 0);
      const end = code.childNodes.length;
      if (range.comparePoint(code, end) === 0) range.setEnd(code, end);
    }
    if (!(code ?? box.closest(".md code, .prompt .text")) || !range.toString()) return;
    event.clipboardData.setData("text/plain", range.toString());
    event.preventDefault();
  });

  // Shortcuts; the sheet under Ctrl+/ lists them

  const shortcuts = {
    "/": () => find("keys").togglePopover(),
    k: () => {
      if (!find("q")?.checkVisibility()) find("rail").showPopover();
      find("q")?.focus();
    },
    ".": () => find("stop")?.click(),
  };
  // By what a key types; by its place where that is no Latin letter. Some layouts type
  // signs with Shift, and Caps Lock makes capitals.
  const PLACES = { KeyK: "k", Slash: "/", Period: "." };
  const shortcutOf = ({ key, code, shiftKey }) => {
    const isForeign = key.length === 1 && key > "~";
    const name = isForeign ? PLACES[code] : key.toLowerCase();
    const isSign = !isForeign && name === name.toUpperCase();
    return shiftKey && !isSign ? undefined : shortcuts[name];
  };
  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.altKey || event.getModifierState("AltGraph")) return;
    if (event.key === "Escape" && event.shiftKey) text?.focus();
    if (event.key === "Escape" && event.target === text) {
      composer.querySelector(".editing a")?.click();
    }
    const act = (event.ctrlKey || event.metaKey) && shortcutOf(event);
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

  // What goes away must not take the keyboard with it
  let focused = null;
  document.addEventListener("focusin", ({ target }) => (focused = target));
  document.addEventListener("focusout", ({ target }) => {
    setTimeout(() => {
      if (target === focused && target.isConnected && !target.disabled) focused = null;
    });
  });
  onHtmx(["htmx:afterSettle", "htmx:after:settle"], () => {
    if (document.activeElement !== document.body || !focused) return;
    if (focused.isConnected && !focused.disabled) return;
    const again = focused.id && document.querySelector(`[id="${focused.id}"]:not(:disabled)`);
    (again || (isTouch ? talk : (text ?? talk))).focus({ preventScroll: true });
  });
})();
