# first_token NAME ROLE asks for a user and a password and makes an access token, which it exports as
# XMS_AUTH_TOKEN. Others on the machine can see command lines, so curl reads secrets from its input.
first_token() {
    local name=$1 role=$2 node=${XMS_BASE_URL%%,*} user password text session answer status=1
    local curl=(curl -sS --max-time 60 ${XMS_CA_FILE:+--cacert "$XMS_CA_FILE"})
    local json='Content-Type: application/json' uuid='"uuid": *"([0-9a-f]+)"'
    node=${node%/}

    printf 'user: ' >&2; IFS= read -r user
    printf 'password: ' >&2; IFS= read -rs password; echo >&2
    for text in name role user password; do # as JSON writes them
        printf -v "$text" %s "${!text//\\/\\\\}"
        printf -v "$text" %s "${!text//\"/\\\"}"
    done

    # Log in. Do not repeat this with a wrong password: XMS may freeze the account.
    answer=$(printf '{"auth":{"name":"%s","password":"%s"}}' "$user" "$password" |
        "${curl[@]}" -H "$json" -d @- "$node/auth/tokens:login")
    [[ $answer =~ $uuid ]] || { echo "no login: $answer" >&2; return 1; }
    session="header = \"Xms-Auth-Token: ${BASH_REMATCH[1]}\""

    # Create the token. XMS shows its uuid only in this answer.
    answer=$(printf '%s\n' "$session" | "${curl[@]}" --config - -H "$json" \
        -d '{"access_token":{"name":"'"$name"'","roles":["'"$role"'"]}}' "$node/access-tokens/")
    if [[ $answer =~ $uuid ]]; then
        export XMS_AUTH_TOKEN=${BASH_REMATCH[1]}; status=0
    else
        echo "no token, or one whose uuid is lost: $answer" >&2
    fi

    printf '%s\n' "$session" | "${curl[@]}" --config - -X POST "$node/auth/tokens:logout"
    return $status
}
