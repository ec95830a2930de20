// What the browser runs of this program when no page of it is open.

import { clicked, pushed } from "./push";
import { activate, answer, install } from "./shell";

declare const self: ServiceWorkerGlobalScope;

self.addEventListener("install", (e) => e.waitUntil(install()));
self.addEventListener("activate", (e) => e.waitUntil(activate()));
self.addEventListener("fetch", answer);
self.addEventListener("push", pushed);
self.addEventListener("notificationclick", clicked);
