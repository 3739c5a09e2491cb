#include <fmt/format.h>

#include "daemon/base/text.hpp"
#include "daemon/status/page.hpp"

namespace qw::status {
namespace {

// Everything that it shows comes from the server as escaped HTML; without it the page refreshes itself.
constexpr std::string_view kScript = R"js('use strict';
(() => {
  const kSilence = 25000, kPoll = 5000;
  const live = document.body.dataset.live;
  const connection = document.getElementById('connection');
  let heard = Date.now(), polling = 0;

  const say = (text, stale) => {
    if (connection.textContent !== text) connection.textContent = text;
    document.body.classList.toggle('stale', stale);
  };
  const news = (text) => { heard = Date.now(); say(text, false); };

  // How to find the element that has the focus in the new tree.
  const keyOf = (root) => {
    const at = document.activeElement;
    if (!at || !root.contains(at)) return null;
    const same = [...root.querySelectorAll(at.tagName)];
    return { id: at.id, tag: at.tagName, href: at.getAttribute('href'), index: same.indexOf(at) };
  };
  const refocus = (root, key) => {
    const same = [...root.querySelectorAll(key.tag)];
    const found = (key.id && document.getElementById(key.id)) ||
      same.find((one) => key.href && one.getAttribute('href') === key.href) || same[key.index];
    if (found) found.focus({ preventScroll: true });
  };

  // A region that is read out stays the same element, and is touched only when it says something new.
  const keepStatus = (from, to) => {
    const old = from.querySelector('[role=status]'), next = to.querySelector('[role=status]');
    if (!old || !next) return;
    if (old.textContent !== next.textContent) old.replaceChildren(...next.childNodes);
    next.replaceWith(old);
  };
  const swap = (next) => {
    const now = next && document.getElementById(next.id);
    if (!now || now.innerHTML === next.innerHTML) return;
    const key = keyOf(now);
    const open = [...now.querySelectorAll('details[open][id]')].map((one) => one.id);
    keepStatus(now, next);
    now.replaceChildren(...next.childNodes);
    for (const id of open) document.getElementById(id)?.setAttribute('open', '');
    if (key) refocus(now, key);
  };
  const parse = (html) => new DOMParser().parseFromString(html, 'text/html');
  const setTime = (iso) => {
    const time = document.getElementById('as-of');
    time.dateTime = iso;
    time.textContent = iso.slice(11, 19);
  };

  const poll = async () => {
    try {
      const reply = await fetch(location.pathname, { cache: 'no-store' });
      if (reply.ok) {
        const page = parse(await reply.text());
        for (const part of page.querySelectorAll('[id^=part-]')) swap(part);
        setTime(page.getElementById('as-of').dateTime);
        news('');
      } else if (reply.status === 401) {
        location.reload();
        return;
      }
    } catch { /* the next one may succeed; meanwhile watch() says how old this is */ }
    polling = setTimeout(poll, kPoll);
  };

  const listen = () => {
    const events = new EventSource(live);
    events.onopen = () => news('live');
    events.addEventListener('at', (event) => { setTime(event.data); news('live'); });
    events.addEventListener('section', (event) => {
      const end = event.data.indexOf('\n');
      swap(parse(event.data.slice(end + 1)).getElementById(event.data.slice(0, end)));
      news('live');
    });
    events.onerror = () => {
      if (events.readyState === EventSource.CLOSED && !polling) poll();
    };
    addEventListener('pagehide', () => events.close());
    addEventListener('pageshow', (event) => { if (event.persisted) location.reload(); });
  };
  const watch = () => {
    if (Date.now() - heard > kSilence) {
      say('no news since ' + new Date(heard).toISOString().slice(11, 19) + ': this may be old', true);
    }
  };

  setInterval(watch, 1000);
  if (live && window.EventSource) listen(); else polling = setTimeout(poll, kPoll);
})();
)js";

}  // namespace

std::string_view script() {
  return kScript;
}

std::string script_url() {
  static const auto url = fmt::format("/status.js?{:016x}", stable_hash(kScript));
  return url;
}

}  // namespace qw::status
