// The page works without this file; with it, it is comfortable. No state lives here
// that the server does not know, except what is typed and not yet sent.
(() => {
  "use strict";

  const RETRY_SECONDS = [1, 2, 4, 8, 15];
  const NEAR_THE_LIMIT = 0.9;
  const SAID_SECONDS = 1.5;
  const UNREACHABLE =
    "The server could not be reached. Your text is still here: send it again.";
  const REFUSED = {
    400: "The server did not accept this. It may be too long for one message.",
    403: "This page is out of date. Your text is still here: send it again.",
    404: "This conversation is gone. Copy your text before you leave the page.",
    413: "This is too long for one message. Send it in parts.",
    503: "The server is busy. Your text is still here: send it again in a few seconds.",
    507: "The server has no room left on its disk. Your text is still here; tell who runs it.",
  };

  const find = (id) => document.getElementById(id);
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
  document.addEventListener(
    "submit",
    () => {
      const token = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1];
      if (!token) return;
      for (const input of document.getElementsByName("csrfmiddlewaretoken")) {
        input.value = token;
      }
    },
    true,
  );

  // The composer

  const composer = find("composer");
  const text = find("text");
  const draftKey = `draft:${location.pathname}`;
  let sent = null; // what is on its way to the server
  let isSpent = false; // nothing was typed since it arrived there

  const stored = (act) => {
    try {
      return act(sessionStorage);
    } catch {
      return null; // storage may be forbidden; drafts are a comfort
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
    counter.textContent =
      `${length.toLocaleString("en")} of ${limit.toLocaleString("en")} characters`;
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
  };

  const clear = () => {
    stored((store) => store.removeItem(draftKey));
    text.value = "";
    isSpent = true;
    fit();
    count();
  };

  if (composer) {
    if (!text.value) text.value = stored((store) => store.getItem(draftKey)) ?? "";
    fit();
    count();
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
    if (!before || !prompt.trim() || find("counter").matches(".over")) return;
    onItsWay = before.cloneNode(true);
    onItsWay.removeAttribute("id");
    onItsWay.classList.add("sending");
    for (const part of onItsWay.querySelectorAll("form, button, a, [id]")) part.remove();
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
      refuse(REFUSED[status] ?? UNREACHABLE);
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

  onHtmx(["htmx:beforeRequest", "htmx:before:request"], ({ source }, event) => {
    if (source.id === "poller" && document.hidden) event.preventDefault();
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

  document.addEventListener("visibilitychange", pollNow);
  addEventListener("online", pollNow);
  addEventListener("pageshow", (event) => event.persisted && pollNow());

  // Reading: stay at the end while the reader is there, and nowhere else

  const talk = find("talk");
  const messages = find("messages");
  let isStuck = true;
  const follow = () => {
    if (isStuck && messages) talk.scrollTop = talk.scrollHeight;
  };
  if (messages) {
    const look = () => {
      isStuck = talk.scrollHeight - talk.scrollTop - talk.clientHeight < 64;
    };
    if (find(location.hash.slice(1))) look();
    talk.addEventListener("scroll", look);
    const observer = new ResizeObserver(follow);
    observer.observe(messages);
    observer.observe(talk);
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

  // A Stop button that went away must not take the keyboard with it
  onHtmx(["htmx:afterRequest", "htmx:finally:request"], ({ source }) => {
    const isStop = source.matches?.("#stop-form, form.stop");
    if (isStop && !isTouch) text?.focus({ preventScroll: true });
  });
})();
