import { SlablinkError } from "../errors.ts";

/** Bytes from the peer are not what SimpleRemoteEPC or SPS says. */
export class ProtocolError extends SlablinkError {
  constructor(message: string, options?: ErrorOptions) {
    super("protocol", message, options);
  }
}
