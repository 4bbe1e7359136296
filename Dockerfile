# `make image` puts the static binary and the folders into dist/image first.
FROM scratch
COPY --chown=65532:65532 dist/image/ /
# Nobody's number: the server needs no right of root's. The group of a mounted Docker socket is
# given with --group-add.
USER 65532:65532
# The data folder is /data/flyball.
ENV XDG_STATE_HOME=/data
VOLUME /data
EXPOSE 4566
# The server at its port, or a controller (control, control kubernetes) at its --listen by default.
HEALTHCHECK --interval=10s --timeout=6s --start-period=30s --retries=3 CMD ["/flyball", "health", "--control", "http://127.0.0.1:9466"]
ENTRYPOINT ["/flyball"]
CMD ["serve", "--addr", "0.0.0.0:4566"]
