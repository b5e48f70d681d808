# Two stages: the first builds, the second holds only what runs. docs/deploying.md says how to use the image.
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run build \
  && npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
  && find node_modules -type f \( -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' -o -name '*.map' \) -delete

FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/package.json /app/LICENSE /app/.env.example ./
COPY --from=build /app/bin ./bin
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
# A number, so that Kubernetes can see that it is not root.
USER 10001:10001
EXPOSE 3000
# Run with a read-only root. The only folder that the service writes to is REFRESH_JOURNAL_DIRECTORY: a volume.
# No shell and no npm in between, so that SIGTERM arrives. A worker is the same command with "worker" behind it.
CMD ["node", "--disable-sigusr1", "--max-semi-space-size=16", "--heap-growing-percent=100", "--max-old-space-size=1024", "dist/main.js"]
