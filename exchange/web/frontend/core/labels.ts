/** Every domain label of this product (crypto/labels.py); a label never changes its meaning. */
import { utf8 } from "./bytes.ts";

const PREFIX = "dossier-exchange/v1/";

export const FILE_KEY_COMMITMENT = utf8(`${PREFIX}file-key-commitment`);
export const IDENTITY_AGE = utf8(`${PREFIX}identity-age`);
export const IDENTITY_SIGNING = utf8(`${PREFIX}identity-signing`);
export const KEY_FINGERPRINT = utf8(`${PREFIX}key-fingerprint`);
export const SPOKEN_FINGERPRINT = utf8(`${PREFIX}spoken-fingerprint`);
export const TRUST_FINGERPRINT = utf8(`${PREFIX}trust-fingerprint`);
export const REVOKED_LIST = utf8(`${PREFIX}revoked-list`);
export const EVENT_COMMITMENT = utf8(`${PREFIX}event-commitment`);
export const AGENDA_ITEM = utf8(`${PREFIX}agenda-item`);

export const STATEMENT_TYPE_PREFIX = "application/vnd.dossier-exchange.";
export const STATEMENT_TYPE_SUFFIX = ".v1+json";
