/* Keeps the page's own files for a phone without a connection. VERSION and FILES stand above, written by the server.
   What the API answers is never kept: nothing about a patient lies on the phone. */
"use strict";
const NAME = `care-me-${VERSION}`;

self.addEventListener("install", (event) => {
  const fetched = FILES.map((file) => new Request(file, { cache: "reload", credentials: "omit" }));
  event.waitUntil(caches.open(NAME).then((cache) => cache.addAll(fetched)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const old = caches.keys().then((names) => names.filter((name) => name.startsWith("care-me-") && name !== NAME));
  event.waitUntil(old.then((names) => Promise.all(names.map((name) => caches.delete(name)))).then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (request.mode === "navigate" && url.pathname === "/me") {
    event.respondWith(fetch(request).catch(() => caches.match("/me")));
    return;
  }
  const file = url.pathname + url.search;
  if (FILES.includes(file)) event.respondWith(caches.match(file).then((kept) => kept || fetch(request)));
});
