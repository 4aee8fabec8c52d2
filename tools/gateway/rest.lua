-- What Envoy's transcoder cannot say by itself (docs/gateway.md).
--
-- On the way in: the correlation id, the Idempotency-Key as the field request_id, and no header that gRPC would refuse. On the way out: the correlation id,
-- and whether it is the answer of an earlier try. An error as the transcoder writes it, a google.rpc.Status with a number
-- for its code, becomes one that says its reason, in the caller's language, under a status of HTTP that fits, with
-- Retry-After. The bodies of other answers pass untouched.

local METADATA = "gateway"

-- What a server is chosen by. A request that is of no account, such as a batch, goes to any.
local ACCOUNT = "x-account-id"

local CODES = {
  ["1"] = "CANCELLED", ["2"] = "UNKNOWN", ["3"] = "INVALID_ARGUMENT", ["4"] = "DEADLINE_EXCEEDED", ["5"] = "NOT_FOUND",
  ["6"] = "ALREADY_EXISTS", ["7"] = "PERMISSION_DENIED", ["8"] = "RESOURCE_EXHAUSTED", ["9"] = "FAILED_PRECONDITION",
  ["10"] = "ABORTED", ["11"] = "OUT_OF_RANGE", ["12"] = "UNIMPLEMENTED", ["13"] = "INTERNAL", ["14"] = "UNAVAILABLE",
  ["15"] = "DATA_LOSS", ["16"] = "UNAUTHENTICATED",
}

-- Where the usual one would mislead: nothing is wrong with a request that the state of an account refuses.
local STATUS_OF_CODE = { FAILED_PRECONDITION = "409" }
local STATUS_OF_REASON = { INSUFFICIENT_CREDIT = "402", MESSAGE_TOO_LARGE = "413", METADATA_TOO_LARGE = "431" }

-- Seconds, where an answer does not say when a retry helps: Envoy's own, and those of which nothing is known.
local RETRY_SECONDS = { ["429"] = "1", ["503"] = "1" }

local MAX_CORRELATION_ID = 64

-- Of gRPC: eight digits and a unit.
local MAX_TIMEOUT = 9

-- JSON is read here only as far as the transcoder writes it: an object without spaces.

-- Returns the place after the JSON value that begins at a place.
local function after_value(text, at)
  local first = text:sub(at, at)
  if first == '"' then
    local place = text:find('["\\]', at + 1)
    while text:sub(place, place) == "\\" do
      place = text:find('["\\]', place + 2)
    end
    return place + 1
  end
  if first ~= "{" and first ~= "[" then
    return text:find("[,%]}]", at)
  end
  local depth, place = 0, at
  repeat
    place = text:find('["%[%]{}]', place)
    local found = text:sub(place, place)
    if found == '"' then
      place = after_value(text, place)
    else
      depth = depth + ((found == "{" or found == "[") and 1 or -1)
      place = place + 1
    end
  until depth == 0
  return place
end

-- Returns the members of an object by name, each as the text of its value.
local function members(text)
  local found, at = {}, 2
  while text:sub(at, at) == '"' do
    local colon = after_value(text, at)
    local comma = after_value(text, colon + 1)
    found[text:sub(at + 1, colon - 2)] = text:sub(colon + 1, comma - 1)
    at = comma + 1
  end
  return found
end

-- Returns the details of a status by their kind, such as ErrorInfo, each as its members.
local function details_by_kind(text)
  local found, at = {}, 2
  while at < #text do
    local comma = after_value(text, at)
    local detail = members(text:sub(at, comma - 1))
    local kind = (detail["@type"] or ""):match("([%w]+)\"$")
    if kind then
      found[kind] = detail
    end
    at = comma + 1
  end
  return found
end

local function unquoted(text)
  return text and text:match('^"([A-Z0-9_]+)"$')
end

-- Returns the body, the status of HTTP (nil: as it is), and after how many seconds a retry helps (nil: not known).
local function told(status, correlation_id)
  local details = status.details or "[]"
  local kinds = details_by_kind(details)
  local info, retry = kinds.ErrorInfo or {}, kinds.RetryInfo or {}
  local facts = members(info.metadata or "{}")
  local code = CODES[status.code] or "UNKNOWN"
  local reason = unquoted(info.reason) or code
  local message = (kinds.LocalizedMessage or {}).message or status.message or '""'
  local seconds = tonumber((retry.retryDelay or ""):match('^"([%d.]+)s"$'))
  local body = '{"code":"' .. code .. '","reason":"' .. reason .. '","message":' .. message
    .. ',"correlationId":' .. (facts.correlation_id or facts.incident_id or '"' .. correlation_id .. '"')
    .. ',"details":' .. details .. "}"
  return body, STATUS_OF_REASON[reason] or STATUS_OF_CODE[code], seconds and math.max(1, math.ceil(seconds))
end

local function escaped(text)
  return (text:gsub("[^%w%-._~]", function(byte)
    return string.format("%%%02X", byte:byte())
  end))
end

local function unescaped(text)
  return (text:gsub("%%(%x%x)", function(digits)
    return string.char(tonumber(digits, 16))
  end))
end

-- gRPC hangs up on a call with a header that HTTP allows and it does not, and reads what begins with its own name and what
-- ends with -bin in its own way. The service knows none of these but the deadline.
local function is_for_grpc(name, value)
  if name == "grpc-timeout" then
    return value:find("^%d+[HMSmun]$") and #value <= MAX_TIMEOUT
  end
  return name:find("^:?[0-9a-z_.-]+$") and not name:find("^grpc%-") and not name:find("%-bin$")
    and not value:find("[^\32-\126]")
end

local function without_what_grpc_refuses(headers)
  local others = {}
  for name, value in pairs(headers) do
    if not is_for_grpc(name, value) then
      others[#others + 1] = name
    end
  end
  for _, name in ipairs(others) do
    headers:remove(name)
  end
end

function envoy_on_request(handle)
  local headers = handle:headers()
  headers:remove(ACCOUNT)
  local account = headers:get(":path"):match("^/v1/accounts/([^/?]+)")
  if account then
    -- A verb follows after a colon; one within an id is written in per cents.
    headers:add(ACCOUNT, unescaped(account:match("^[^:]+") or account))
  end
  without_what_grpc_refuses(headers)
  local id = headers:get("x-correlation-id")
  if not id or #id > MAX_CORRELATION_ID or not id:find("^[%w._:%-]+$") then
    id = headers:get("x-request-id") or ""
    headers:replace("x-correlation-id", id)
  end
  handle:streamInfo():dynamicMetadata():set(METADATA, "correlation_id", id)

  -- Every act is a POST or a PATCH and has a request_id, but for batches, whose items each have their own.
  local key, path, method = headers:get("idempotency-key"), headers:get(":path"), headers:get(":method")
  if key and (method == "POST" or method == "PATCH") and not path:match("^[^?]*"):find(":batch%u%l+$") then
    local joint = path:find("?", 1, true) and "&" or "?"
    headers:replace(":path", path .. joint .. "requestId=" .. escaped(key))
  end
end

function envoy_on_response(handle)
  local known = handle:streamInfo():dynamicMetadata():get(METADATA)
  local id = known and known.correlation_id or ""
  if id ~= "" then
    handle:headers():replace("x-correlation-id", id)
  end
  if known and known.replayed then
    handle:headers():replace("replayed", "true")
  end
  local status = handle:headers():get(":status")
  if tonumber(status) < 400 then
    return
  end
  local body = handle:body()
  local text = body and body:getBytes(0, body:length()) or ""
  -- What Envoy says by itself has the name of the code already.
  if text:find('^{"code":%d') then
    local written, better, seconds = told(members(text), id)
    status = better or status
    handle:headers():replace("content-length", tostring(body:setBytes(written)))
    handle:headers():replace(":status", status)
    if seconds then
      handle:headers():replace("retry-after", tostring(seconds))
    end
  end
  if RETRY_SECONDS[status] and not handle:headers():get("retry-after") then
    handle:headers():replace("retry-after", RETRY_SECONDS[status])
  end
  if status == "401" then
    handle:headers():replace("www-authenticate", "Bearer")
  end
end
