/** What a channel tells its owner. */
export interface ChannelListener {
  /** The next bytes; they belong to the listener. */
  receive(chunk: Uint8Array): void;
  /** Nothing more will come: with the reason, if it was not the other end's wish. May be called again. */
  end(cause: Error | undefined): void;
}

/** Both directions of a byte stream to another process. */
export interface ByteChannel {
  /** Begins to deliver. */
  listen(listener: ChannelListener): void;
  /** Says whether an answer is awaited: a channel may stop looking for bytes as long as nobody waits for any. */
  expect(something: boolean): void;
  /**
   * Delivers what has arrived without the event loop; waits for something, `limit` ms at most. False when nothing has come. Absent where the
   * bytes come to this process by other ways. What was written before must have gone out: true for messages that fit the socket.
   */
  receiveNow?(limit: number): boolean;
  /** Keeps the process alive or not, from now on, as long as no answer is awaited; it does by default. */
  keepAlive?(always: boolean): void;
  /** Sends `head` and then `body`; after the channel's end nothing happens. */
  write(head: Uint8Array, body: Uint8Array): void;
  /** Ends our direction; what was written before still goes out. */
  close(): void;
  /** Ends both directions at once. */
  destroy(): void;
}
